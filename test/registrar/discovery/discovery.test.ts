import { pino } from 'pino'
import { beforeEach, expect, it, vi } from 'vitest'
import type { Store } from '../../../adapters/etcd.ts'
import { Keys } from '../../../model/key.ts'
import { Discovery, type DiscoveryOptions } from '../../../registrar/discovery/discovery.ts'
import { labStore } from '../../lab/store.ts'

const keys = new Keys()
const addresses = ['172.17.0.2']
const foreign = { id: 'c', image: 'foo/bar', labels: {}, published: {}, addresses }
let store: Store
labStore((lab) => void (store = lab.store))
beforeEach(async () => {
  const { entries } = await store.list(`${keys.prefix}/`)
  for (const { key } of entries) await store.remove(key)
})

/** Discovers one container, unless `more` says what is different. */
async function discovering(more: Partial<DiscoveryOptions>): Promise<{ end(): Promise<void> }> {
  const lease = await store.grant(60)
  const discovery = new Discovery({
    ...{ mode: 'image', ports: [80], domain: '', store, keys, log: pino({ level: 'silent' }) },
    ...{ pathPrefix: '', app: () => undefined },
    ...{ address: () => '10.0.0.1', tcp: async () => true, lease: () => lease },
    engine: { foreign: async () => [foreign], stirs: async function* () {} },
    ...more,
  })
  const ending = new AbortController()
  const running = discovery.run(ending.signal)
  return {
    end: () => {
      ending.abort()
      return running
    },
  }
}

it('tries all ports of a container at once, and takes the first of those that answer', async () => {
  const ports = [8000, 80, 9000]
  let asked = 0
  let go = (): void => {}
  const all = new Promise<void>((resolve) => {
    go = resolve
  })
  const { end } = await discovering({
    ports,
    tcp: async ({ port }) => {
      if (++asked === ports.length) go()
      await all
      return port !== 8000
    },
  })
  const written = async () => (await store.get(keys.endpoint('foo-bar', 0)))?.value
  await expect.poll(written).toBe('172.17.0.2:80')
  await end()
})

it('looks a few times a second at most, however many containers come and go', async () => {
  let looks = 0
  const begin = performance.now()
  const { end } = await discovering({
    engine: {
      foreign: async () => {
        looks++
        return []
      },
      stirs: async function* (signal) {
        while (!signal.aborted) {
          await new Promise((resolve) => setTimeout(resolve, 5))
          yield
        }
      },
    },
  })
  await expect.poll(() => looks, { timeout: 10_000 }).toBeGreaterThan(3)
  await end()
  expect(looks).toBeLessThan((performance.now() - begin) / 200 + 2)
})

it('may ask any number of ports at once without a warning that listeners leak', async () => {
  const warned = vi.spyOn(process, 'emitWarning')
  let asked = 0
  const { end } = await discovering({
    tcp: async (_endpoint, _timeout, signal) => {
      for (; asked < 20; asked++) signal.addEventListener('abort', () => {})
      return true
    },
  })
  await expect.poll(() => asked).toBe(20)
  await end()
  expect(warned).not.toHaveBeenCalled()
})

it('a container of an image that is called like an app gets nothing of the app, as long as there is one', async () => {
  let stored = 'foo-bar'
  const { end } = await discovering({
    app: (name) => (name === stored ? { route: 'path' } : undefined),
    engine: {
      foreign: async () => [
        foreign,
        { ...foreign, id: 'd', image: 'hello', addresses: ['172.17.0.3'] },
      ],
      stirs: async function* () {},
    },
  })
  const at = async (name: string) => (await store.get(keys.endpoint(name, 0)))?.value
  const routes = async () => (await store.get(keys.named('pool', 'foo-bar')))?.value
  await expect.poll(() => at('hello')).toBe('172.17.0.3:80')
  expect(await at('foo-bar')).toBeUndefined()
  stored = 'foo'
  const patience = { timeout: 10_000 }
  await expect.poll(routes, patience).toBe('{"name":"foo-bar","routes":[]}')
  stored = ''
  await expect.poll(routes, patience).toBe('{"name":"foo-bar","routes":["/foo/bar"]}')
  stored = 'foo-bar'
  await expect.poll(() => at('foo-bar'), patience).toBeUndefined()
  await end()
})
