import { expect, it } from 'vitest'
import { Catalog, type Change } from '../../../launcher/catalog.ts'
import { Keeper } from '../../../launcher/keep/keep.ts'
import { App } from '../../../model/app.ts'
import { Keys } from '../../../model/key.ts'
import { State } from '../../../model/state.ts'

const app = (more: object) => App.parse({ name: 'shop', image: 'shop:1', idleAfter: 100, ...more })

/** A catalog of its own, fed as an informer feeds it. */
function stage() {
  const keys = new Keys()
  const networks = [{ family: 4 as const, bits: 0n, prefix: 0 }]
  const catalog = new Catalog(new State(keys, { networks, denied: new Set() }), keys)
  let revision = 0
  const apply = (batch: Change[]): void => catalog.apply(batch, String(++revision))
  const entry = (key: string, value: object | string, lease = '0'): Change => {
    const text = typeof value === 'string' ? value : JSON.stringify(value)
    const stamp = { modRevision: String(revision + 1), createRevision: '1', lease }
    return { type: 'put', entry: { key, value: text, ...stamp } }
  }
  const put = (...given: Parameters<typeof entry>): void => apply([entry(...given)])
  const add = (given: App): void => put(keys.named('app', given.name), given)
  const host = (name: string, lease: string): void => {
    const where = { name, address: '10.0.0.1', engine: 'unix:///e.sock', publish: '10.0.0.1' }
    put(keys.named('host', name), { ...where, cpus: 1, memory: 0 }, lease)
  }
  const filled: string[] = []
  const retired: string[] = []
  const keeper = new Keeper({
    catalog,
    fill: async ({ name }, slot) => {
      filled.push(`${name}/${slot}`)
      await new Promise((resolve) => setImmediate(resolve))
      put(keys.endpoint(name, slot), `10.0.0.2:${40_000 + filled.length}`)
      return true
    },
    retire: async ({ name }, slot) => {
      retired.push(`${name}/${slot}`)
      await new Promise((resolve) => setImmediate(resolve))
      apply([{ type: 'delete', key: keys.endpoint(name, slot), seen: true }])
      return true
    },
  })
  return { keys, catalog, apply, entry, put, add, host, filled, retired, keeper }
}

it('fills what a host took along at once, however much that was, and only what is in use or kept', async () => {
  const { keys, catalog, apply, add, host, put, filled, keeper } = stage()
  host('h1', '7')
  const used = Array.from({ length: 150 }, (_, i) => `used-${i}`)
  for (const name of [...used, 'unused']) {
    add(app({ name }))
    put(keys.endpoint(name, 0), `10.0.0.1:${20_000 + catalog.state.apps.size}`, '7')
  }
  add(app({ name: 'kept', min: 2, replicas: 2 }))
  put(keys.endpoint('kept', 1), '10.0.0.3:30000')
  put(keys.endpoint('kept', 0), '10.0.0.1:30000', '7')
  for (const name of used) catalog.markUsed(name)
  keeper.start()
  const gone = [...used, 'unused', 'kept'].map((name) => keys.endpoint(name, 0))
  apply([keys.named('host', 'h1'), ...gone].map((key) => ({ type: 'delete', key, seen: true })))
  // Long before the next tick.
  await expect.poll(() => filled.length, { timeout: 2_000 }).toBe(151)
  keeper.stop()
  expect(new Set(filled)).toEqual(new Set([...used, 'kept'].map((name) => `${name}/0`)))
})

it('places the slots of an app one after the other: the next once the one before has its host, whoever chose it', async () => {
  const { keys, apply, add, host, put, catalog, filled, keeper } = stage()
  host('h1', '7')
  const since = '2026-01-01T00:00:00Z'
  const claim = { owner: 'other/1', action: 'wake', since }
  put(keys.endpoint('shop', 0), '10.0.0.1:30000', '7')
  put(keys.claim('shop', 1), claim)
  catalog.markUsed('shop')
  add(app({ replicas: 4 }))
  keeper.start()
  expect(filled).toEqual([])
  put(keys.claim('shop', 1), { ...claim, host: 'h1' })
  expect(filled).toEqual(['shop/2'])
  apply([{ type: 'delete', key: keys.claim('shop', 1), seen: true }])
  expect(filled).toEqual(['shop/2', 'shop/1'])
  await expect.poll(() => filled).toEqual(['shop/2', 'shop/1', 'shop/3'])
  keeper.stop()
})

it('does not wake what was put to sleep, or ended by itself', async () => {
  const { keys, catalog, apply, add, put, filled, keeper } = stage()
  keeper.start()
  for (const name of ['slept', 'crashed']) {
    add(app({ name }))
    put(keys.endpoint(name, 0), '10.0.0.1:30000', '7')
    catalog.markUsed(name)
  }
  const since = '2026-01-01T00:00:00Z'
  put(keys.claim('slept', 0), { owner: 'r', action: 'sleep', phase: 'draining', since })
  for (const name of ['slept', 'crashed'])
    apply([{ type: 'delete', key: keys.endpoint(name, 0), seen: true }])
  apply([{ type: 'delete', key: keys.claim('slept', 0), seen: true }])
  await new Promise((resolve) => setTimeout(resolve, 50))
  keeper.stop()
  expect(filled).toEqual([])
})

it('retires the slots an App has no more one after the other, the last first; none of a roll or a sidekick', async () => {
  const { keys, catalog, apply, add, host, put, retired, keeper } = stage()
  host('h1', '7')
  add(app({ replicas: 4 }))
  for (const slot of [0, 1, 2, 3]) put(keys.endpoint('shop', slot), `10.0.0.1:3000${slot}`, '7')
  keeper.start()
  put(keys.endpoint('shop', 9), '10.0.0.9:30009', '8')
  put(keys.named('roll', 'shop'), { owner: 'l/1', since: '2026-01-01T00:00:00Z' }, '9')
  add(app({ replicas: 2 }))
  expect(retired).toEqual([])
  apply([{ type: 'delete', key: keys.endpoint('shop', 9), seen: true }])
  apply([{ type: 'delete', key: keys.named('roll', 'shop'), seen: true }])
  expect(retired).toEqual(['shop/3'])
  await expect.poll(() => retired).toEqual(['shop/3', 'shop/2'])
  keeper.stop()
  expect([...catalog.state.slots('shop').keys()]).toEqual([0, 1])
})

it('tries a slot that cannot be filled once a tick, though each try changes the app; and no app starves another', async () => {
  const keys = new Keys()
  const catalog = new Catalog(new State(keys, { networks: [], denied: new Set() }), keys)
  const stamp = { modRevision: '1', createRevision: '1', lease: '0' }
  const put = (key: string, value: string) =>
    catalog.apply([{ type: 'put', entry: { key, value, ...stamp } }], '1')
  const add = (given: App) => put(keys.named('app', given.name), JSON.stringify(given))
  const filled: string[] = []
  const keeper = new Keeper({
    catalog,
    retire: async () => true,
    fill: async (given, slot) => {
      filled.push(`${given.name}/${slot}`)
      if (given.name === 'stuck') {
        const claim = { owner: 'l/1', action: 'wake', host: 'h1', since: '2026-01-01T00:00:00Z' }
        queueMicrotask(() => put(keys.claim(given.name, slot), JSON.stringify(claim)))
        return new Promise(() => {})
      }
      // What a start does that fails: its claim comes and goes.
      const key = keys.claim(given.name, slot)
      await Promise.resolve()
      setImmediate(() => catalog.apply([{ type: 'delete', key, seen: true }], '2'))
      return false
    },
  })
  keeper.start()
  add(app({ name: 'stuck', min: 10, replicas: 10 }))
  add(app({ name: 'big', min: 1 }))
  await new Promise((resolve) => setTimeout(resolve, 300))
  keeper.stop()
  expect(filled.filter((slot) => slot === 'big/0')).toHaveLength(1)
  expect(filled.filter((slot) => slot.startsWith('stuck/'))).toHaveLength(4)
})
