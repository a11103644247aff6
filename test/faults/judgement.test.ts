import { expect, it } from 'vitest'
import { disagreements, type Picture, readRoutes } from './agreement.ts'
import { failures, indefinite, strangers } from './answers.ts'
import { type Footprint, growth, plateauOf } from './footprint.ts'
import type { Shot } from './load.ts'
import { doubleStarts, type EngineEvent, mostRunning, starts } from './starts.ts'

const shot = (more: Partial<Shot>): Shot => ({
  ...{ id: 7, app: 'shop', origin: 'http://10.0.0.1', began: 1_000, ended: 1_010, status: 200 },
  ...{ retryAfter: null, error: null },
  seen: { app: 'shop', host: 'h', bootId: 'b', listening: 1 },
  ...more,
})
const unseen = { seen: null }

it('I1 names the app that answered for another', () => {
  expect(strangers([shot({}), shot({ seen: null, status: 503 })])).toEqual([])
  const other = shot({ seen: { app: 'admin', host: 'h', bootId: 'b', listening: 1 } })
  expect(strangers([other])).toEqual(['I1: request 7 to shop was answered by admin'])
})

it('I3 names what failed while its app ran, and nothing else', () => {
  const down = shot({ ...unseen, status: 502 })
  const span = { app: 'shop', from: 900, to: 2_000 }
  expect(failures([down], [span])).toEqual([
    'I3: request 7 to shop at http://10.0.0.1, which ran, got 502 after 10 ms',
  ])
  expect(failures([shot({ ...unseen, status: null, error: 'ECONNRESET' })], [span])).toHaveLength(1)
  expect(failures([down], [{ ...span, from: 1_001 }])).toEqual([])
  expect(failures([down], [{ ...span, app: 'other' }])).toEqual([])
  expect(failures([down], [{ ...span, to: null }])).toHaveLength(1)
  expect(failures([shot({})], [span])).toEqual([])
  expect(failures([shot({ seen: null })], [span])).toHaveLength(1)
})

it('I6 wants an end, in time, that says what is', () => {
  expect(indefinite([shot({}), shot({ ...unseen, status: 504 })], 60)).toEqual([])
  expect(indefinite([shot({ ...unseen, status: 503, retryAfter: '5' })], 60)).toEqual([])
  const bad: Partial<Shot>[] = [
    { ended: null, status: null },
    { ended: 63_001 },
    { status: null, error: 'ECONNRESET' },
    { status: 502 },
    { status: 404 },
    { status: 503, retryAfter: null },
    { status: 503, retryAfter: '0' },
  ]
  for (const more of bad) expect(indefinite([shot({ ...unseen, ...more })], 60)).toHaveLength(1)
  expect(indefinite([shot({ ...unseen, status: 502 })], 60, [502])).toEqual([])
})

const event = (at: number, action: string, more: Partial<EngineEvent> = {}): EngineEvent => ({
  ...{ at: BigInt(at), action, host: 'h1', id: 'a'.repeat(64), app: 'shop', slot: 0 },
  ...more,
})
const elsewhere = { host: 'h2', id: 'b'.repeat(64) }

it('I4 finds a slot that was started twice, on whatever hosts, in whatever order it was told', () => {
  const twice = [event(2, 'start', elsewhere), event(1, 'start')]
  expect(doubleStarts(twice)).toHaveLength(1)
  expect(doubleStarts(twice)[0]).toContain('on h2 (bbbbbbbbbbbb) while it ran on h1 (aaaaaaaaaaaa)')
  expect(mostRunning(twice, 'shop')).toBe(2)
  expect(starts(twice, 'shop')).toBe(2)
})

it('I4 allows one after the other, other slots, and what is lost', () => {
  const moved = [event(1, 'start'), event(2, 'die'), event(3, 'start', elsewhere)]
  expect(doubleStarts(moved)).toEqual([])
  expect(mostRunning(moved, 'shop')).toBe(1)
  const slots = [event(1, 'start'), event(2, 'start', { ...elsewhere, slot: 1 })]
  expect(doubleStarts(slots)).toEqual([])
  const twice = [event(1, 'start'), event(5, 'start', elsewhere)]
  expect(doubleStarts(twice, [{ host: 'h1', from: 4n, to: null }])).toEqual([])
  expect(doubleStarts(twice, [{ host: 'h1', from: 2n, to: 4n }])).toHaveLength(1)
  expect(doubleStarts(twice, [{ host: 'h2', from: 2n, to: null }])).toHaveLength(1)
})

const address = '10.9.1.1:49153'
const picture = (more: Partial<Picture>): Picture => ({
  routes: new Map([['g1', new Map([['shop', [address]]])]]),
  behind: [],
  endpoints: new Map([['shop/0', address]]),
  containers: [{ app: 'Shop', slot: 0, host: 'h1', address }],
  healthy: new Set([address]),
  ...more,
})

it('I5 finds whatever does not fit', () => {
  expect(disagreements(picture({}))).toEqual([])
  const wrong: [Partial<Picture>, RegExp][] = [
    [{ routes: new Map([['g1', new Map()]]) }, /g1 routes shop to nowhere/],
    [{ routes: new Map([['g1', new Map([['shop', ['10.9.1.2:1']]])]]) }, /routes shop to 10.9.1.2/],
    [{ behind: ['g1'] }, /g1 has other routes in memory/],
    [{ endpoints: new Map() }, /its Endpoint is absent/],
    [{ containers: [] }, /has the Endpoint 10.9.1.1:49153 and does not run/],
    [{ healthy: new Set() }, /does not answer/],
  ]
  for (const [more, words] of wrong)
    expect(disagreements(picture(more)).join('\n'), String(words)).toMatch(words)
  const container = { app: 'shop', slot: 0, host: 'h1', address }
  const copy = { ...container, host: 'h2', address: '10.9.2.1:1' }
  expect(disagreements(picture({ containers: [container, copy] })).join('\n')).toMatch(
    /two containers run as shop\/0/,
  )
})

it('reads the routes of a configuration', () => {
  const text = `
  upstream "app_shop" {
    zone "app_shop" 64k;
    server "10.9.1.1:49153" max_fails=1 fail_timeout=2s;
    server "10.9.2.1:49154" max_fails=1 fail_timeout=2s;
    keepalive 16;
  }
  upstream launcher {
    server "10.9.0.1:8090";
  }`
  expect(readRoutes(text)).toEqual(new Map([['shop', ['10.9.1.1:49153', '10.9.2.1:49154']]]))
  const table =
    'reveille table 1 * 0123\nshop\tns\t1\t5\t\t10.9.1.1:1*1#0123456789abcdef [fd00::1]:2*7\n'
  expect(readRoutes(table)).toEqual(new Map([['shop', ['10.9.1.1:1', '[fd00::1]:2']]]))
})

it('I7 finds what grew, and what went', () => {
  const print = (files: number, memory: number, leases: number): Footprint => ({
    processes: new Map([['launcher l1', { files, memory: memory * 1024 ** 2 }]]),
    counts: new Map([['leases', leases]]),
  })
  const before = print(40, 80, 7)
  expect(growth(before, print(42, 99, 7))).toEqual([])
  expect(growth(before, print(20, 60, 7))).toEqual([])
  expect(growth(before, print(44, 80, 7))).toEqual(['I7: launcher l1 has 44 open files, had 40'])
  expect(growth(before, print(40, 101, 7))).toEqual(['I7: launcher l1 takes 101 MiB, took 80'])
  const worked = plateauOf([print(900, 100, 7), print(40, 90, 7)])
  expect(growth(before, print(40, 119, 7), worked)).toEqual([])
  expect(growth(before, print(40, 121, 7), worked)).toHaveLength(1)
  expect(growth(before, print(44, 80, 7), worked)).toHaveLength(1)
  expect(growth(before, print(40, 80, 8))).toEqual(['I7: 8 leases, were 7'])
  expect(growth(before, print(40, 80, 6))).toEqual(['I7: 6 leases, were 7'])
  expect(growth(before, { processes: new Map(), counts: new Map() })[0]).toContain('does not run')
})

it('I7 adds up what leaks a little in each fault, and grants a process started anew what it had', () => {
  const print = (files: number): Footprint => ({
    processes: new Map([['registrar h1', { files, memory: 0 }]]),
    counts: new Map(),
  })
  const plateau = plateauOf([print(90)], [print(23), print(24)])
  const leaking = [24, 26, 28].map((files) => growth(print(files - 2), print(files), plateau))
  expect(leaking).toEqual([[], [], ['I7: registrar h1 has 28 open files, had 24']])
  expect(growth(print(20), print(24), plateau)).toEqual([])
})
