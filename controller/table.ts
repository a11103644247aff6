import { createHash } from 'node:crypto'
import type { GatewayPlan } from './plan.ts'
import { stepsOf, targetsOf } from './step.ts'

/** Running apps in nginx's memory. */
export interface Table {
  /** by name; templates/live/entry.lua says how they look */
  readonly lines: ReadonlyMap<string, string>
  /** what stands for a table with these lines: 16 hexadecimal digits */
  readonly revision: string
}

/** What of a plan is in the table. Sorted: the same plan, the same lines. */
export function tableOf(plan: GatewayPlan): Table {
  const targets = targetsOf(stepsOf(plan))
  const lines = new Map(plan.apps.map((app) => [app.name, lineOf(app, targets.has(app.name))]))
  const hash = createHash('sha256')
  for (const line of lines.values()) hash.update(`${line}\n`)
  return { lines, revision: hash.digest('hex').slice(0, 16) }
}

/**
 * A table as it is pushed and kept in a file.
 * @param before the table that is there; null for whatever it is
 */
export function textOf(table: Table, before: Table | null): string {
  const text = [`reveille table 1 ${before?.revision ?? '*'} ${table.revision}`]
  for (const [name, line] of table.lines) if (before?.lines.get(name) !== line) text.push(line)
  for (const name of before?.lines.keys() ?? []) if (!table.lines.has(name)) text.push(`${name}\t-`)
  return `${text.join('\n')}\n`
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
