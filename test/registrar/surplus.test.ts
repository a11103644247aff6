import { expect, test } from 'vitest'
import type { InstanceSpec } from '../../model/label.ts'
import { discovered, type Phase } from '../../registrar/instance.ts'
import { type Member, Roster } from '../../registrar/roster.ts'
import { affordable, sandboxLimit, surplus } from '../../registrar/surplus.ts'

const roster = new Roster()
const used = new Map<string, number>()
const claimed = new Set<string>()

function add(app: string, changed: number, more: Partial<Member> & { phase?: Phase } = {}): void {
  const spec: InstanceSpec = {
    ...{ app, slot: 0, port: 80, health: { type: 'tcp' }, idleAfter: 60, stopTimeout: 1 },
    ...{ min: app === 'kept' ? 1 : 0, revision: 'ab' },
  }
  const { phase = 'stopped', ...rest } = more
  const instance = { ...discovered(app, spec), phase }
  Object.assign(roster.add(instance), { hasSandbox: true, changed, ...rest })
}

const cluster = {
  lastUse: (app: string) => used.get(app) ?? 0,
  claim: (app: string) => (claimed.has(app) ? ({} as never) : undefined),
  terms: (spec: InstanceSpec) => ({ ...spec, sleep: 'stop' }),
}
const chosen = (limit: number): string[] =>
  surplus(roster.values(), cluster, limit).map(({ instance }) => instance.spec.app)

test('of those that sleep with a sandbox the longest unused are too many', () => {
  add('c', 30)
  add('a', 10)
  add('b', 20)
  add('without', 1, { hasSandbox: false })
  add('kept', 1)
  for (const phase of ['ready', 'starting', 'unready', 'paused'] as const) add(phase, 1, { phase })
  expect(chosen(3)).toEqual([])
  expect(chosen(2)).toEqual(['a'])
  expect(chosen(0)).toEqual(['a', 'b', 'c'])
  // An app may be asked for on another host: that is a use of it.
  used.set('a', 40)
  expect(chosen(1)).toEqual(['b', 'c'])
  claimed.add('b')
  expect(chosen(1)).toEqual(['c', 'a'])
})

test.each([
  ['2 GB', 2e9, 44],
  ['16 GB', 16e9, 355],
  ['as much as one likes', 256e9, 500],
  ['memory that its engine does not tell', 0, 500],
])('of a host with %s a tenth is for sandboxes', (_what, memory, count) => {
  expect(affordable(memory)).toBe(count)
})

test('how many are kept is said once, when the engine has told its memory, unless somebody has set it', () => {
  const told: object[] = []
  const log = { info: (fields: object) => void told.push(fields) }
  let memory: number | null = null
  const limit = sandboxLimit(undefined, () => memory, log)
  expect(limit()).toBe(Number.POSITIVE_INFINITY)
  memory = 9e9
  expect([limit(), limit()]).toEqual([200, 200])
  expect(told).toEqual([{ sandboxes: 200, memory }])
  expect(sandboxLimit(0, () => memory, log)()).toBe(0)
  expect(told).toHaveLength(1)
})
