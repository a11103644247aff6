import pino from 'pino'
import { beforeEach, expect, test } from 'vitest'
import type { Store } from '../../../adapters/etcd.ts'
import { Catalog } from '../../../launcher/catalog.ts'
import { Witness } from '../../../launcher/witness/witness.ts'
import type { Container } from '../../../model/container.ts'
import { Keys } from '../../../model/key.ts'
import { State } from '../../../model/state.ts'
import { labStore } from '../../lab/store.ts'

const ADDRESS = '10.9.0.1'
const keys = new Keys()
let store: Store
let catalog: Catalog
let lease: string

labStore((lab) => void (store = lab.store))
beforeEach(async () => {
  const networks = [{ family: 4 as const, bits: 0n, prefix: 0 }]
  catalog = new Catalog(new State(keys, { networks, denied: new Set() }), keys)
  lease = await store.grant(60)
  await host('h1', ADDRESS)
})

/** What etcd has under a key, as the catalog hears of it. */
async function hear(key: string): Promise<void> {
  const entry = await store.get(key)
  const change = entry
    ? { type: 'put' as const, entry }
    : { type: 'delete' as const, key, seen: true }
  catalog.apply([change], entry?.modRevision ?? '0')
}

async function host(name: string, address: string): Promise<void> {
  const record = { name, address, engine: `unix:///${name}`, publish: address, cpus: 1, memory: 1 }
  await store.put(keys.named('host', name), JSON.stringify(record), { lease })
  await hear(keys.named('host', name))
}

async function register(app: string, port: number, more: { lease?: string; at?: string } = {}) {
  const key = keys.endpoint(app, 0)
  await store.put(key, `${more.at ?? ADDRESS}:${port}`, { lease: more.lease ?? lease })
  await hear(key)
  return key
}

const container = (app: string, port: number | null, more: Partial<Container> = {}): Container => ({
  ...{ id: app, name: app, exitCode: 0, error: '', health: 'none', pid: 1, image: 'i' },
  labels: { 'reveille.app': app, 'reveille.port': '8000' },
  state: 'running',
  published: port === null ? {} : { 8000: { host: ADDRESS, port } },
  ...more,
})

/** A witness of an engine that has `list()` in the moment it is asked, and what it removed. */
function watch(list: () => Container[] | Promise<Container[]>) {
  let lists = 0
  // its own: what is late in one test must not count in the next
  const removals: string[] = []
  const witness = new Witness({
    host: 'h1',
    catalog,
    engine: {
      list: async () => {
        lists++
        return list()
      },
      inspect: async (id) => (await list()).find((found) => found.id === id) ?? null,
    },
    store: {
      remove: async (key, options) => {
        const revision = await store.remove(key, options)
        removals.push(`${key} ${revision === null ? 'refused' : 'removed'}`)
        return revision
      },
    },
    log: pino({ level: 'silent' }),
  })
  const end = (id: string): void =>
    witness.take({ action: 'die', id, labels: {}, time: 1n, exitCode: 137 })
  return { witness, end, removals, lists: () => lists }
}

/** How long a busy machine's etcd may take to have written something. */
const SOON = { timeout: 10_000 }

/** Resolves when whatever was begun has had its turn: writes are ordered, and a read could overtake one. */
async function settle(): Promise<void> {
  for (let round = 0; round < 3; round++) await store.put('/settled', String(round))
}

test('the Endpoint of a container that ended goes when its registrar leaves it there', async () => {
  const key = await register('a', 40_000)
  const { witness, end, removals } = watch(() => [])
  witness.takeList([container('a', 40_000)])
  end('a')
  await expect.poll(() => removals, SOON).toEqual([`${key} removed`])
  expect(await store.get(key)).toBeNull()
})

test('what ended while the engine was out of sight is found by the list that follows', async () => {
  const key = await register('a', 40_000)
  const { witness } = watch(() => [container('a', null, { state: 'exited' })])
  witness.takeList([container('a', 40_000)])
  witness.takeList([container('a', null, { state: 'exited' })])
  await expect.poll(() => store.get(key), SOON).toBeNull()
})

test('a container that started since the last list is known, even if it ends while it is looked at', async () => {
  const key = await register('a', 40_000)
  let now: Container[] = [container('a', 40_000)]
  const { witness, end } = watch(() => now)
  witness.take({ action: 'start', id: 'a', labels: {}, time: 1n })
  end('a')
  now = []
  await expect.poll(() => store.get(key), SOON).toBeNull()
})

test('an Endpoint that is heard of after the end of its container goes as well', async () => {
  const { witness, end } = watch(() => [])
  catalog.onChange((batch) => witness.observe(batch))
  witness.takeList([container('a', 40_000)])
  end('a')
  const key = await register('a', 40_000)
  await expect.poll(() => store.get(key), SOON).toBeNull()
})

test('when the registrar was first nothing is asked and nothing written', async () => {
  const key = await register('a', 40_000)
  const { witness, end, lists, removals } = watch(() => [])
  witness.takeList([container('a', 40_000)])
  await store.remove(key)
  await hear(key)
  end('a')
  await settle()
  expect({ lists: lists(), removals }).toEqual({ lists: 0, removals: [] })
})

test('when the registrar is first during the look nothing is written', async () => {
  const key = await register('a', 40_000)
  const { witness, end, lists, removals } = watch(async () => {
    await store.remove(key)
    await hear(key)
    return []
  })
  witness.takeList([container('a', 40_000)])
  end('a')
  await expect.poll(lists, SOON).toBe(1)
  await settle()
  expect(removals).toEqual([])
})

test('an entry that was written anew stays, though we have not heard of that yet', async () => {
  const key = await register('a', 40_000)
  const { witness, end, removals } = watch(async () => {
    await store.put(key, `${ADDRESS}:40000`, { lease })
    return []
  })
  witness.takeList([container('a', 40_000)])
  end('a')
  await expect.poll(() => removals, SOON).toEqual([`${key} refused`])
  expect((await store.get(key))?.value).toBe(`${ADDRESS}:40000`)
})

const stays: [string, () => Promise<Container[]>][] = [
  ['it was started again at once', async () => [container('a', 40_000)]],
  [
    'another container of its slot has that port',
    async () => [container('a', 40_000, { id: 'b' })],
  ],
  ['a new one runs and does not say its port yet', async () => [container('A', null, { id: 'b' })]],
  ['it is restarting', async () => [container('a', null, { state: 'restarting' })]],
  ['the engine does not answer', () => Promise.reject(new Error('hung'))],
]
test.each(stays)('the Endpoint stays when %s', async (_reason, list) => {
  const key = await register('a', 40_000)
  const { witness, end, lists, removals } = watch(list)
  witness.takeList([container('a', 40_000)])
  end('a')
  await expect.poll(lists, SOON).toBe(1)
  await settle()
  expect(removals).toEqual([])
  expect(await store.get(key)).not.toBeNull()
})

test('of a slot that runs again at its port nothing is asked, until that ends', async () => {
  let now: Container[] = []
  const { witness, end, lists } = watch(() => now)
  catalog.onChange((batch) => witness.observe(batch))
  witness.takeList([container('a', 40_000)])
  end('a')
  now = [container('a', 40_000)]
  witness.take({ action: 'start', id: 'a', labels: {}, time: 1n })
  const key = await register('a', 40_000)
  await settle()
  expect(lists()).toBe(0)
  now = []
  end('a')
  await expect.poll(() => store.get(key), SOON).toBeNull()
})

test('it goes when its slot runs on at another port', async () => {
  const key = await register('a', 40_000)
  const { witness, end } = watch(() => [container('a', 40_001)])
  witness.takeList([container('a', 40_000)])
  end('a')
  await expect.poll(() => store.get(key), SOON).toBeNull()
})

test('an Endpoint of another host, another port or another writer is none of its business', async () => {
  const { witness, end, lists, removals } = watch(() => [])
  await register('other-host', 40_000, { at: '10.9.0.2' })
  await register('other-port', 40_001)
  await register('sidekick', 40_000, { lease: await store.grant(60) })
  for (const app of ['other-host', 'other-port', 'sidekick', 'unknown']) {
    if (app !== 'unknown') witness.takeList([container(app, 40_000)])
    end(app)
  }
  await register('unknown', 40_000)
  end('unknown')
  await settle()
  expect({ lists: lists(), removals }).toEqual({ lists: 0, removals: [] })
})

test('where two hosts say they have the same address nothing is removed', async () => {
  await register('a', 40_000)
  await host('h2', ADDRESS)
  const { witness, end, removals } = watch(() => [])
  witness.takeList([container('a', 40_000)])
  end('a')
  await settle()
  expect(removals).toEqual([])
})

test('a hundred ends at once are looked at together', async () => {
  const apps = Array.from({ length: 100 }, (_, index) => `app${index}`)
  const all = await Promise.all(apps.map((app, index) => register(app, 40_000 + index)))
  const { witness, end, lists, removals } = watch(() => [])
  witness.takeList(apps.map((app, index) => container(app, 40_000 + index)))
  for (const app of apps) end(app)
  await expect.poll(() => removals.length, SOON).toBe(100)
  expect(lists()).toBeLessThanOrEqual(2)
  expect(removals.sort()).toEqual(all.map((key) => `${key} removed`).sort())
})
