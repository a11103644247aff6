import {
  type AddressPolicy,
  admitEndpoint,
  type Endpoint,
  formatEndpoint,
} from '../../model/endpoint.ts'
import type { Expectation } from '../../model/expectation.ts'
import { MOST_TARGETS, type PoolPlan, type Scan } from '../../model/pool-plan.ts'
import { expandRange } from '../../model/range.ts'

/** One question to one place, and which pools its answer may lead to. */
export interface Target {
  endpoint: Endpoint
  /** host:port */
  address: string
  path: string
  rules: { pool: string; expected: Expectation }[]
}

/** host:port of everything a rule looks at. */
function addressesOf({ addresses, ports }: Scan): string[] {
  const hosts = addresses.flatMap((range) => expandRange(range, MOST_TARGETS) ?? [])
  return [...new Set(hosts)].flatMap((host) => ports.map((port) => formatEndpoint({ host, port })))
}

/**
 * Everything to ask, each place once for all that want to know of it. Addresses of the control plane are left out.
 * @throws Error where a rule looks outside the networks, at a port of the control plane, or at too much
 */
export function targetsOf(plans: readonly PoolPlan[], policy: AddressPolicy): Target[] {
  const targets = new Map<string, Target>()
  for (const { pool, scan } of plans)
    for (const rule of scan)
      for (const address of addressesOf(rule)) {
        const verdict = admitEndpoint(address, policy)
        if (!verdict.ok && policy.denied.has(address)) continue
        if (!verdict.ok)
          throw new Error(`pool ${pool.name} cannot scan ${address}: ${verdict.reason}`)
        const { endpoint } = verdict
        const { path } = rule
        const key = `${address} ${path}`
        const target = targets.get(key) ?? { endpoint, address, path, rules: [] }
        target.rules.push({ pool: pool.name, expected: rule })
        targets.set(key, target)
        if (targets.size > MOST_TARGETS)
          throw new Error(
            `more than ${MOST_TARGETS} places to scan: give them to several processes`,
          )
      }
  return [...targets.values()]
}
