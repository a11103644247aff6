import { createHash } from 'node:crypto'
import { z } from 'zod'
import type { App } from '../model/app.ts'
import type { Directory } from '../model/directory.ts'
import { formatEndpoint } from '../model/endpoint.ts'
import { pinOf } from '../model/pin.ts'
import { balancing, type Pool } from '../model/pool.ts'
import type { ReadonlySlots, State } from '../model/state.ts'
import type { AppPlan, GatewayPlan, Surroundings } from './plan.ts'

/** What apps that run are planned from: where instances are, and which App each name is. */
export interface Known {
  endpoints: State['endpoints']
  directory: Pick<Directory, 'find' | 'pool'>
}

/**
 * What is planned for one app, by what etcd says of it alone and what all have in common.
 * null where no request is to go: the app has no route, or no instance that is not a launcher's address.
 * @param name canonical
 */
export function planApp(
  name: string,
  { endpoints, directory }: Known,
  { launchers }: Pick<GatewayPlan, 'launchers'>,
  sign: Surroundings['sign'],
): AppPlan | null {
  const slots = endpoints.get(name)
  if (!slots) return null
  // A registered name without an App has its sidekick alone, and the route of every App that says nothing else.
  const app = directory.find(name)
  const named = app?.route !== 'none'
  if (!named && app?.routes.length === 0) return null
  const pool = directory.pool(name)
  const balance = balanceOf(app, pool)
  const sticky = balance.balance === 'sticky'
  const instances = addresses(slots, launchers)
  if (instances.length === 0) return null
  return {
    name,
    named,
    endpoints: instances.map(({ endpoint }) => endpoint),
    sticky,
    instances: sticky
      ? instances.map(({ slot, endpoint }) => ({
          id: pinOf({ app: name, slot, endpoint }, sha256),
          endpoint,
        }))
      : [],
    signature: sign?.(name) ?? '',
    pool: pool !== null,
    ...balance,
  }
}

type Balancing = Pick<Pool, keyof typeof balancing>
const STANDARD: Balancing = z.object(balancing).parse({})

function balanceOf(app: App | null, pool: Pool | null): Balancing {
  if (pool) {
    const { name: _name, routes: _routes, ...balance } = pool
    return balance
  }
  return app?.sticky ? { ...STANDARD, balance: 'sticky' } : STANDARD
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}

/** By slot, without what is a launcher's address; an address that two slots have is the first one's. */
function addresses(
  slots: ReadonlySlots,
  launchers: readonly string[],
): { slot: number; endpoint: string }[] {
  const taken = new Set(launchers)
  const found: { slot: number; endpoint: string }[] = []
  for (const [slot, { value }] of [...slots].sort(([left], [right]) => left - right)) {
    const endpoint = formatEndpoint(value)
    if (!taken.has(endpoint)) found.push({ slot, endpoint })
    taken.add(endpoint)
  }
  return found
}
