import pino from 'pino'
import { beforeEach, expect, test } from 'vitest'
import type { Store } from '../../../adapters/etcd.ts'
import { Catalog } from '../../../launcher/catalog.ts'
import { Homes } from '../../../launcher/place/home.ts'
import { Vacancies } from '../../../launcher/place/vacant.ts'
import { App } from '../../../model/app.ts'
import { Blueprint } from '../../../model/blueprint.ts'
import type { Container } from '../../../model/container.ts'
import { Keys } from '../../../model/key.ts'
import { Host } from '../../../model/record.ts'
import { State } from '../../../model/state.ts'
import { labStore } from '../../lab/store.ts'

const keys = new Keys()
const never = new AbortController().signal
const anywhere = { networks: [{ family: 4 as const, bits: 0n, prefix: 0 }], denied: new Set('') }
let store: Store
let catalog: Catalog
/** by host; null if its engine does not answer */
let containers: Record<string, Container[] | null>
let volumes: Set<string>
/** happens while engines are asked */
let meanwhile: () => Promise<unknown>

labStore((lab) => void (store = lab.store))
beforeEach(async () => {
  catalog = new Catalog(new State(keys, anywhere), keys)
  containers = { h1: [], h2: [] }
  volumes = new Set()
  meanwhile = async () => {}
  for (const { key } of (await store.list(keys.folder('home'))).entries) await store.remove(key)
})

/** Writes a record to etcd, and the launcher hears of it. */
async function put(key: string, value: object): Promise<void> {
  await store.put(key, JSON.stringify(value))
  const entry = await store.get(key)
  if (entry) catalog.apply([{ type: 'put', entry }], entry.modRevision)
}
const live = (scope: string, host: string, ...kept: string[]): Promise<void> =>
  put(keys.named('home', scope), { host, volumes: kept })

const container = (labels: Record<string, string>): Container => ({
  ...{ id: 'c', name: 'c', labels, state: 'exited', image: 'a:1' },
  ...{ exitCode: 0, error: '', health: 'none', published: {}, pid: 0 },
})

async function collect(): Promise<string[]> {
  const hosts = Object.keys(containers).map((name) =>
    Host.parse({
      ...{ name, address: '10.0.0.1', engine: `tcp://10.0.0.1:${name === 'h1' ? 1 : 2}` },
      ...{ publish: '10.0.0.1', cpus: 2, memory: 1024 ** 3 },
    }),
  )
  const vacancies = new Vacancies({
    ...{ catalog, store, log: pino({ level: 'silent' }) },
    fleet: {
      containers: async () => {
        await meanwhile()
        return new Map(hosts.map((host) => [host, containers[host.name] ?? null]))
      },
    },
    engines: {
      at: () => ({
        groups: { hasVolume: async (scope, volume) => volumes.has(`${scope}.${volume}`) },
      }),
    },
  })
  return (await vacancies.collect()).sort()
}

test('a home without a volume goes when no host has a container of it', async () => {
  for (const scope of ['left', 'asleep', 'grouped', 'moved']) await live(scope, 'h1')
  containers['h1'] = [
    container({ 'reveille.app': 'Asleep' }),
    container({ 'reveille.app': 'x', 'reveille.group': 'Grouped' }),
  ]
  containers['h2'] = [container({ 'reveille.app': 'moved' })]
  expect(await collect()).toEqual(['left'])
  const { entries } = await store.list(keys.folder('home'))
  const left = entries.map(({ key }) => key.split('/').at(-1))
  expect(left).toEqual(['asleep', 'grouped', 'moved'])
})

test('it stays while its host does not say what it has, or is away', async () => {
  await live('hung', 'h1')
  await live('away', 'h3')
  containers['h1'] = null
  expect(await collect()).toEqual([])
})

test('it stays while somebody changes a slot of one of its apps', async () => {
  await live('team', 'h1')
  await put(keys.named('app', 'member'), App.parse({ name: 'member', image: 'a:1', group: 'Team' }))
  const claim = { owner: 'o', action: 'wake', since: new Date().toISOString() }
  await put(keys.claim('member', 3), claim)
  expect(catalog.state.claims.size).toBe(1)
  expect(await collect()).toEqual([])
})

test('one that somebody comes to live in meanwhile stays', async () => {
  await live('race', 'h1')
  const member = App.parse({ name: 'member', image: 'a:1', group: 'race' })
  const engines = { at: () => ({ groups: { hasVolume: async () => false } }) }
  meanwhile = () => new Homes(catalog, store, engines).hold(member, 'h1', never)
  expect(await collect()).toEqual([])
  expect(await store.get(keys.named('home', 'race'))).not.toBeNull()
})

test('one with volumes goes when they are gone and no app could miss them', async () => {
  await live('gone', 'h1', 'data')
  await live('kept', 'h1', 'data', 'more')
  await live('stored', 'h1', 'data')
  await live('pr-1', 'h1', 'data')
  volumes.add('kept.more')
  const base = { image: 'a:1', volumes: ['data:/data'] }
  await put(keys.named('app', 'Stored'), App.parse({ name: 'Stored', ...base }))
  const previews = Blueprint.parse({ name: 'previews', pattern: '^pr-[0-9]+$', app: base })
  await put(keys.named('blueprint', 'previews'), previews)
  expect(await collect()).toEqual(['gone'])
})

test('many members that come at once do not keep each other from it', async () => {
  const engines = { at: () => ({ groups: { hasVolume: async () => false } }) }
  const homes = new Homes(catalog, store, engines)
  const come = (index: number) =>
    homes.hold(App.parse({ name: `m${index}`, image: 'a:1', group: 'crowd' }), 'h1', never)
  for (let round = 0; round < 2; round++)
    expect(await Promise.all(Array.from({ length: 30 }, (_, index) => come(index)))).toHaveLength(
      30,
    )
})
