import { describe, expect, it } from 'vitest'
import { Plans } from '../../controller/plans.ts'
import { stepsOf, targetsOf } from '../../controller/step.ts'
import { Table } from '../../controller/table.ts'
import { parseNetwork } from '../../model/address.ts'
import { Keys } from '../../model/key.ts'
import { PLAIN } from '../../model/reading.ts'
import { State } from '../../model/state.ts'

const surroundings = {
  ...{ launchers: ['10.9.0.9:80'], listen: '0.0.0.0:8080', activity: '127.0.0.1:8094' },
  ...{ holdTimeout: 60, accessLog: 'off', silentSockets: 3600, reading: PLAIN, live: '' },
  ...{ folder: '/run/x', user: 'www-data', connections: 1024, files: 2048, sign: null },
}
const keys = new Keys()
const open = () => {
  const network = parseNetwork('10.9.0.0/16')
  return new State(keys, { networks: network ? [network] : [], denied: new Set() })
}

/** The same numbers for the same seed (mulberry32). */
function dice(seed: number): (sides: number) => number {
  let state = seed
  return (sides) => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) % sides
  }
}

const NAMES = ['a', 'A', 'b', 'docs', 'Docs', 'c']
const ROUTES = [[], [], ['/r'], ['/s', 'x.example.com']]

/** Some change to a few keys, so that they meet in every way. */
function anyChange(roll: (sides: number) => number): { key: string; value: string | null } {
  const pick = <T>(list: readonly T[]): T => list[roll(list.length)] as T
  const name = pick(NAMES)
  const address = `10.9.0.${7 + roll(5)}:80`
  const routes = pick(ROUTES)
  const app = { image: 'x', routes, route: pick(['path', 'none']), sticky: roll(2) === 0 }
  const template = { image: 'x', sticky: roll(2) === 0, routes: pick([[], [], ['/{{name}}']]) }
  const { key, value } = pick([
    { key: keys.endpoint(name, roll(3)), value: address },
    { key: keys.endpoint(name, roll(3)), value: address },
    { key: keys.endpoint(name, 0), value: pick([address, 'nonsense']) },
    { key: keys.named('app', name), value: JSON.stringify({ name, ...app }) },
    { key: keys.named('pool', name), value: JSON.stringify({ name, routes, weight: 1 + roll(3) }) },
    { key: keys.named('launcher', pick(['l', 'm'])), value: address },
    {
      key: keys.named('blueprint', 'any'),
      value: JSON.stringify({ name: 'any', pattern: '^d[a-z]*$', app: template }),
    },
    { key: 'not/ours', value: 'x' },
  ])
  return { key, value: roll(3) === 0 ? null : value }
}

const tableOf = (plans: Plans, table = new Table()) => {
  const targets = targetsOf(stepsOf(plans.frame()))
  for (const [name, app] of plans.news()) table.set(name, app, targets.has(name))
  return table
}

/** The lines of a table after a text, as nginx puts them. Throws where it is not of that table. */
function put(table: { lines: Map<string, string>; revision: string }, text: string) {
  const [head = '', ...lines] = text.trimEnd().split('\n')
  const [, before, revision = ''] = /^reveille table 1 (\S+) ([0-9a-f]{32})$/.exec(head) ?? []
  if (before !== '*' && before !== table.revision) throw new Error(`${before} is not there`)
  if (before === '*') table.lines.clear()
  for (const line of lines) {
    const [name = '', rest = ''] = line.split(/\t(.*)/)
    if (rest === '-') table.lines.delete(name)
    else table.lines.set(name, line)
  }
  table.revision = revision
}

describe('what is planned of one app after the other', () => {
  it.each(Array.from({ length: 40 }, (_, seed) => seed))('is what all is at once: %i', (seed) => {
    const roll = dice(seed)
    const state = open()
    const plans = new Plans(state, keys, surroundings)
    const table = tableOf(plans)
    const nginx = { lines: new Map<string, string>(), revision: '' }
    put(nginx, table.whole())
    table.take()
    for (let n = 1; n <= 150; n += 1) {
      const { key, value } = anyChange(roll)
      const at = { modRevision: String(n), createRevision: String(n), lease: '0' }
      plans.change(key, () =>
        value === null ? state.delete(key) : state.put({ key, value, ...at }),
      )
      if (roll(3) === 0) continue
      tableOf(plans, table)
      const anew = new Plans(state, keys, surroundings)
      const whole = tableOf(anew)
      expect(table.revision).toBe(whole.revision)
      expect(plans.frame()).toEqual(anew.frame())
      expect(plans.lost).toEqual(anew.lost)
      expect(table.endpoints).toBe(whole.endpoints)
      if (roll(3) === 0) continue
      put(nginx, table.changes())
      table.take()
      expect(nginx.revision).toBe(table.revision)
      const sorted = (text: string) => text.trimEnd().split('\n').slice(1).sort()
      expect([...nginx.lines.values()].sort()).toEqual(sorted(whole.whole()))
      expect(plans.whole()).toEqual(anew.whole())
    }
  })

  it('is the same frame, and of no other app, where it is of one app alone', () => {
    const state = open()
    const plans = new Plans(state, keys, surroundings)
    const change = (key: string, value: string | null) => {
      const at = { modRevision: '1', createRevision: '1', lease: '0' }
      plans.change(key, () =>
        value === null ? state.delete(key) : state.put({ key, value, ...at }),
      )
      return [...plans.news()].map(([name, app]) => [name, app?.endpoints.length ?? 0])
    }
    const app = (routes: string[]) => JSON.stringify({ name: 'a', image: 'x', routes })
    change(keys.endpoint('a', 0), '10.9.0.1:80')
    change(keys.endpoint('b', 0), '10.9.0.2:80')
    const frame = plans.frame()
    expect(change(keys.endpoint('a', 1), '10.9.0.3:80')).toEqual([['a', 2]])
    expect(change(keys.named('app', 'a'), app([]))).toEqual([['a', 2]])
    expect(change(keys.endpoint('a', 0), null)).toEqual([['a', 1]])
    expect(change(keys.endpoint('a', 1), null)).toEqual([['a', 0]])
    expect(plans.frame()).toBe(frame)
    const all = [
      ['b', 1],
      ['c', 0],
    ]
    expect(change(keys.endpoint('c', 0), '10.9.0.9:80')).toEqual(expect.arrayContaining(all))
    expect(change(keys.named('app', 'a'), app(['/r'])).map(([name]) => name)).toContain('b')
    expect(plans.frame()).not.toBe(frame)
  })

  it('counts a change that is taken back as none', () => {
    const state = open()
    const plans = new Plans(state, keys, surroundings)
    const table = tableOf(plans)
    const key = keys.endpoint('a', 0)
    const entry = { key, value: '10.9.0.1:80', modRevision: '1', createRevision: '1', lease: '0' }
    plans.change(key, () => state.put(entry))
    expect(tableOf(plans, table).isChanged).toBe(true)
    plans.change(key, () => state.delete(key))
    expect(tableOf(plans, table).isChanged).toBe(false)
    expect(table.revision).toBe(new Table().revision)
  })
})
