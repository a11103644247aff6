import { expect, test } from 'vitest'
import type { Store } from '../../../adapters/etcd.ts'
import { Catalog } from '../../../launcher/catalog.ts'
import { Homes } from '../../../launcher/place/home.ts'
import { place, type Sight } from '../../../launcher/place/place.ts'
import { App, type AppInput } from '../../../model/app.ts'
import { Keys } from '../../../model/key.ts'
import { Home, Host } from '../../../model/record.ts'
import { State } from '../../../model/state.ts'
import { labStore } from '../../lab/store.ts'

const keys = new Keys()
const never = new AbortController().signal
const anywhere = {
  networks: [{ family: 4 as const, bits: 0n, prefix: 0 }],
  denied: new Set<string>(),
}
let store: Store
labStore((lab) => void (store = lab.store))

const app = (input: Partial<AppInput> & { name: string }): App =>
  App.parse({ image: 'a:1', ...input })
const hostOf = (name: string): Host =>
  Host.parse({
    ...{ name, address: '10.0.0.1', engine: `tcp://10.0.0.1:${4000 + name.length}` },
    ...{ publish: '10.0.0.1', cpus: 2, memory: 1024 ** 3 },
  })
const sight = (name: string, trouble: string | null = null): Sight => ({
  ...{ host: hostOf(name), container: null, trouble },
})
const limit = () => ({ memory: 2 ** 40, cpus: 100, instances: 100 })
const chosen = (of: App, sights: Sight[]): string => {
  const room = { promised: { memory: 0, cpus: 0, instances: 0 }, siblings: 0 }
  const candidates = sights.map((each) => ({ ...each, ...room }))
  const placed = place(of, candidates, { limit })
  return placed.ok ? placed.chosen.host.name : placed.reason
}

/** A launcher's view of homes; `learn` is how it hears of etcd. */
function launcher(volumesOn: string[] = []) {
  const catalog = new Catalog(new State(keys, anywhere), keys)
  const engines = {
    at: (url: string) => ({
      groups: { hasVolume: async () => volumesOn.some((name) => hostOf(name).engine === url) },
    }),
  }
  const learn = async (...texts: string[]): Promise<void> => {
    for (const key of texts) {
      const entry = await store.get(key)
      if (entry) catalog.apply([{ type: 'put', entry }], entry.modRevision)
    }
  }
  return { homes: new Homes(catalog, store, engines), learn }
}
const homeOf = async (scope: string): Promise<Home | null> => {
  const entry = await store.get(keys.named('home', scope))
  return entry && Home.parse(JSON.parse(entry.value))
}

test('an app that keeps nothing and is in no group is bound to nothing', async () => {
  const { homes } = launcher()
  const sights = [sight('a'), sight('bb')]
  expect(await homes.narrow(app({ name: 'free' }), sights)).toBe(sights)
  expect(await homes.hold(app({ name: 'free' }), 'a', never)).toBeNull()
  expect(await homeOf('free')).toBeNull()
})

test('members of a group that two launchers place at once end up on one host', async () => {
  const [one, other] = [launcher(), launcher()]
  const results = await Promise.allSettled([
    one.homes.hold(app({ name: 'x', group: 'Race' }), 'a', never),
    other.homes.hold(app({ name: 'y', group: 'race' }), 'bb', never),
  ])
  const failed = results.filter((result) => result.status === 'rejected')
  expect(failed.map(({ reason }) => (reason as { code: string }).code)).toEqual(['conflict'])
  const { host } = (await homeOf('race')) ?? { host: '' }
  await other.learn(keys.named('home', 'race'))
  const narrowed = await other.homes.narrow(app({ name: 'y', group: 'race' }), [
    sight('a'),
    sight('bb'),
  ])
  expect(chosen(app({ name: 'y' }), narrowed)).toBe(host)
})

test('a group that keeps nothing moves while its host cannot be used, unless a member runs there', async () => {
  const { homes, learn } = launcher()
  const member = app({ name: 'm', group: 'soft' })
  await homes.hold(member, 'bb', never)
  await learn(keys.named('home', 'soft'))
  expect(chosen(member, await homes.narrow(member, [sight('a'), sight('bb')]))).toBe('bb')
  const away = [sight('a'), sight('bb', 'has an engine that does not answer')]
  expect(chosen(member, await homes.narrow(member, away))).toBe('a')
  await homes.hold(member, 'a', never)
  expect(await homeOf('soft')).toEqual({ host: 'a', volumes: [] })

  await store.put(keys.named('app', 'other'), JSON.stringify(app({ name: 'other', group: 'soft' })))
  await store.put(keys.endpoint('other', 0), '10.0.0.1:5000')
  await learn(keys.named('home', 'soft'), keys.named('app', 'other'), keys.endpoint('other', 0))
  const stays = await homes.narrow(member, [sight('a', 'is full'), sight('bb')])
  expect(chosen(member, stays)).toContain('bb does not have its group: they are on a')
})

test('where volumes were made is where they stay', async () => {
  const { homes, learn } = launcher()
  const db = app({ name: 'db', volumes: ['data:/data', 'more:/more'] })
  const hold = await homes.hold(db, 'a', never)
  expect(hold?.volumes).toEqual(new Set())
  await hold?.keep(['data'])
  await (await homes.hold(db, 'a', never))?.keep(['more', 'data'])
  expect(await homeOf('db')).toEqual({ host: 'a', volumes: ['data', 'more'] })
  // also for a launcher that has not heard of it yet
  await expect(launcher().homes.hold(db, 'bb', never)).rejects.toMatchObject({ code: 'conflict' })
  await learn(keys.named('home', 'db'))
  expect(chosen(db, await homes.narrow(db, [sight('bb')]))).toBe(
    'bb does not have its volumes: they are on a, which is away',
  )
  await homes.release('db', ['data'], true)
  expect(await homeOf('db')).toEqual({ host: 'a', volumes: ['more'] })
  await homes.release('db', ['more'], false)
  expect(await homeOf('db')).toEqual({ host: 'a', volumes: [] })
  await homes.release('db', [], true)
  expect(await homeOf('db')).toBeNull()
})

test('where etcd has lost where volumes are, the engines say it', async () => {
  const { homes } = launcher(['bb'])
  const lost = app({ name: 'lost', volumes: ['data:/data'] })
  const narrowed = await homes.narrow(lost, [sight('a'), sight('bb')])
  expect(chosen(lost, narrowed)).toBe('bb')
  expect(narrowed[0]?.trouble).toBe('does not have its volumes: they are on bb')
})

test('a record that makes no sense is said, not guessed at', async () => {
  await store.put(keys.named('home', 'odd'), '{"host":"../x"}')
  await expect(
    launcher().homes.hold(app({ name: 'odd', volumes: ['d:/d'] }), 'a', never),
  ).rejects.toMatchObject({ code: 'unavailable', message: expect.stringContaining('homes/odd') })
})
