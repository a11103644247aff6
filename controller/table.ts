import { createHash } from 'node:crypto'
import type { GatewayPlan } from './plan.ts'
import { stepsOf, targetsOf } from './step.ts'

/** Running apps as lines of the table in nginx's memory (templates/live/entry.lua says how they look), by name. */
export type Table = ReadonlyMap<string, string>

/** What of a plan is in the table. Sorted: the same plan, the same lines. */
export function tableOf(plan: GatewayPlan): Table {
  const targets = targetsOf(stepsOf(plan))
  return new Map(plan.apps.map((app) => [app.name, lineOf(app, targets.has(app.name))]))
}

/** What stands for a table with these lines: 16 hexadecimal digits. */
export function revisionOf(table: Table): string {
  const hash = createHash('sha256')
  for (const line of table.values()) hash.update(`${line}\n`)
  return hash.digest('hex').slice(0, 16)
}

/**
 * A table as it is pushed and kept in a file.
 * @param before the table that is there; null for whatever it is
 */
export function textOf(table: Table, before: Table | null): string {
  const lines = [`reveille table 1 ${before ? revisionOf(before) : '*'} ${revisionOf(table)}`]
  for (const [name, line] of table) if (before?.get(name) !== line) lines.push(line)
  for (const name of before?.keys() ?? []) if (!table.has(name)) lines.push(`${name}\t-`)
  return `${lines.join('\n')}\n`
}

type AppPlan = GatewayPlan['apps'][number]

function lineOf(app: AppPlan, routed: boolean): string {
  const flags = [
    app.named ? 'n' : '',
    routed ? 'r' : '',
    app.sticky ? 's' : '',
    app.pool ? 'p' : '',
    app.balance === 'ip_hash' ? 'h' : '',
  ]
  const pins = new Map(app.instances.map(({ id, endpoint }) => [endpoint, `#${id}`]))
  const peers = app.endpoints.map(
    (endpoint) => `${endpoint}*${app.weights[endpoint] ?? app.weight}${pins.get(endpoint) ?? ''}`,
  )
  const { name, maxFails, failTimeout, signature } = app
  return [name, flags.join(''), maxFails, failTimeout, signature, peers.join(' ')].join('\t')
}
