import { setTimeout as pause } from 'node:timers/promises'
import { expect, it, vi } from 'vitest'
import { Catalog, type Change } from '../../../launcher/catalog.ts'
import { Backoff, slotKey } from '../../../launcher/wake/backoff.ts'
import { Ends } from '../../../launcher/wake/ends.ts'
import { Keys } from '../../../model/key.ts'
import { writeLabels } from '../../../model/label.ts'
import { State } from '../../../model/state.ts'

const keys = new Keys()
const catalog = new Catalog(new State(keys, { networks: [], denied: new Set() }), keys)
const gone = (key: string): Change => ({ type: 'delete', key, seen: true })

const isPaused = (backoff: Backoff): boolean => backoff.check('shop', performance.now()) !== null

/** An app that was ready a moment ago, and who hears of its end. */
function ready() {
  const backoff = new Backoff()
  backoff.ready('shop', performance.now())
  return { backoff, ends: new Ends(catalog, backoff, 20) }
}

function died(exitCode: number, slot = 0) {
  const spec = { app: 'shop', slot, port: 1, health: { type: 'tcp' }, revision: '' } as const
  const labels = writeLabels({ ...spec, idleAfter: 1, stopTimeout: 1, min: 0 })
  return { action: 'die', id: 'c', labels, exitCode, time: 0n } as const
}

it('takes an Endpoint that goes for the end of its app, but not where its host goes with it', async () => {
  const one = ready()
  one.ends.observe([gone(keys.endpoint('shop', 0))])
  const other = ready()
  other.ends.observe([gone(keys.endpoint('shop', 0)), gone(keys.named('host', 'a'))])
  await vi.waitUntil(() => isPaused(one.backoff))
  expect(isPaused(other.backoff)).toBe(false)
})

it('takes an end with 0 for a sleep, whoever tells of it first, and any other for a crash at once', async () => {
  const content = ready()
  content.ends.observe([gone(keys.endpoint('shop', 0))])
  content.ends.died(died(0), 'a')
  content.ends.observe([gone(keys.endpoint('shop', 0))])
  const crashed = ready()
  crashed.ends.died(died(1), 'a')
  expect(isPaused(crashed.backoff)).toBe(true)
  await pause(60)
  expect(isPaused(content.backoff)).toBe(false)
  expect(isPaused(crashed.backoff)).toBe(true)
})

it('does not take an end with 0 for a sleep where it must not sleep, or was not ready', () => {
  const app = { name: 'shop', image: 'shop:1', min: 1 }
  const entry = { key: keys.named('app', 'shop'), value: JSON.stringify(app), lease: '0' }
  const awake = new Catalog(new State(keys, { networks: [], denied: new Set() }), keys)
  awake.apply([{ type: 'put', entry: { ...entry, createRevision: '1', modRevision: '1' } }], '1')
  const backoff = new Backoff()
  backoff.ready('shop', performance.now())
  new Ends(awake, backoff).died(died(0), 'a')
  expect(isPaused(backoff)).toBe(true)

  const early = new Backoff()
  early.failed('shop', 'exited with code 0', performance.now())
  new Ends(catalog, early).died(died(0), 'a')
  expect(isPaused(early)).toBe(true)
})

it('forgets an end that it hears of when the app is ready again', async () => {
  const { backoff, ends } = ready()
  ends.observe([gone(keys.endpoint('shop', 0))])
  await pause(5)
  backoff.ready('shop', performance.now())
  await pause(60)
  expect(isPaused(backoff)).toBe(false)
})

it('lets one slot back off without the others', () => {
  const backoff = new Backoff()
  backoff.failed(slotKey('Shop', 1), 'exited', 0)
  expect(backoff.check(slotKey('shop', 0), 1)).toBeNull()
  expect(backoff.check(slotKey('shop', 1), 1)).toMatchObject({ reason: 'exited' })
})

/** A catalog that knows these keys. */
function knowing(records: Record<string, object | string>): Catalog {
  const networks = [{ family: 4 as const, bits: 0n, prefix: 0 }]
  const known = new Catalog(new State(keys, { networks, denied: new Set() }), keys)
  for (const [key, record] of Object.entries(records)) {
    const value = typeof record === 'string' ? record : JSON.stringify(record)
    const entry = { key, value, lease: '0', createRevision: '1', modRevision: '1' }
    known.apply([{ type: 'put', entry }], '1')
  }
  return known
}

it.each([
  ['its other instances', 'shop', 1],
  ['an app that needs it', 'front', 0],
] as const)(
  'does not take an end with 0 for a sleep where it is started again at once for %s',
  (_, app, slot) => {
    const known = knowing({
      [keys.named('app', 'shop')]: { name: 'shop', image: 'shop:1', replicas: 2 },
      [keys.named('app', 'front')]: { name: 'front', image: 'front:1', dependsOn: ['shop'] },
      [keys.endpoint('shop', 0)]: '10.0.0.1:8000',
      [keys.endpoint(app, slot)]: '10.0.0.1:8001',
    })
    const backoff = new Backoff()
    backoff.ready('shop', performance.now())
    new Ends(known, backoff).died(died(0), 'a')
    expect(isPaused(backoff)).toBe(true)
  },
)

it('takes the end of a second copy for no end of the slot, which runs on another host', () => {
  const host = (name: string, address: string) => {
    const engine = `tcp://${address}:2376`
    return { name, address, engine, publish: address, cpus: 1, memory: 1 }
  }
  const known = knowing({
    [keys.named('host', 'a')]: host('a', '10.0.0.1'),
    [keys.named('host', 'b')]: host('b', '10.0.0.2'),
    [keys.endpoint('shop', 0)]: '10.0.0.2:8000',
  })
  const backoff = new Backoff()
  backoff.ready('shop', performance.now())
  const ends = new Ends(known, backoff)
  ends.died(died(143), 'a')
  expect(isPaused(backoff)).toBe(false)
  ends.died(died(143), 'b')
  expect(isPaused(backoff)).toBe(true)
})
