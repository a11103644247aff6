import { pino } from 'pino'
import { beforeEach, expect, test, vi } from 'vitest'
import { Catalog } from '../../../launcher/catalog.ts'
import { Prefetch } from '../../../launcher/place/prefetch.ts'
import { Keys } from '../../../model/key.ts'
import { State } from '../../../model/state.ts'

const keys = new Keys()
const GIB = 1024 ** 3
let catalog: Catalog
let revision = 0
/** host and image of each pull, in order */
let pulls: string[]
let ends: ((error?: Error) => void)[]

beforeEach(() => {
  const networks = [{ family: 4 as const, bits: 0n, prefix: 0 }]
  catalog = new Catalog(new State(keys, { networks, denied: new Set() }), keys)
  pulls = []
  ends = []
})

function put(key: string, value: object | string): void {
  const modRevision = String(++revision)
  const text = typeof value === 'string' ? value : JSON.stringify(value)
  const entry = { key, value: text, lease: '0', modRevision, createRevision: modRevision }
  catalog.apply([{ type: 'put', entry }], modRevision)
}

function host(name: string, more: object = {}): void {
  const address = `10.9.0.${name.length}`
  const engine = `tcp://${address}:2376`
  const value = { name, address, engine, publish: address, cpus: 2, memory: 8 * GIB, ...more }
  put(keys.named('host', name), value)
}

function app(name: string, more: object = {}): void {
  put(keys.named('app', name), { name, image: `${name}:1`, prefetch: true, ...more })
}

function prefetch(id = 'l1'): Prefetch {
  const names = new Map([...catalog.state.hosts.values()].map(({ value }) => [value.engine, value]))
  return new Prefetch({
    ...{ id, catalog, registries: ['docker.io', 'localhost'], log: pino({ level: 'silent' }) },
    engines: {
      at: (url) => ({
        pull: async (image) => {
          pulls.push(`${names.get(url)?.name} ${image}`)
          await new Promise<void>((resolve, reject) =>
            ends.push((error) => (error ? reject(error) : resolve())),
          )
        },
      }),
    },
  })
}

/** Ends the pulls under way. */
async function end(error?: Error): Promise<void> {
  for (const one of ends.splice(0)) one(error)
  await vi.waitFor(() => expect(ends).toEqual([]))
  await new Promise((resolve) => setImmediate(resolve))
}

test('one image at a time is pulled to each host that lacks it, of apps that ask for it', async () => {
  host('a', { images: ['shop:1'] })
  host('bb')
  app('shop')
  app('blog')
  app('other', { prefetch: false })
  const one = prefetch()
  one.look()
  one.look()
  expect(pulls.sort()).toEqual(['a blog:1', 'bb shop:1'])
  await end()
  one.look()
  expect(pulls.slice(2)).toEqual(['bb blog:1'])
  await end()
  one.look()
  expect(pulls).toHaveLength(3)
})

test('one that failed is not tried again at once, and holds up no other', async () => {
  host('a')
  app('shop')
  app('blog')
  const one = prefetch()
  one.look()
  await end(new Error('manifest unknown'))
  one.look()
  await end(new Error('manifest unknown'))
  one.look()
  expect(pulls).toEqual(['a shop:1', 'a blog:1'])
})

test('one that failed is tried again in time; one that is there is not, though its host does not name it', async () => {
  host('a')
  app('shop', { image: `shop@sha256:${'0'.repeat(64)}` })
  app('blog')
  const one = prefetch()
  const later = (): void => {
    const clock = vi.spyOn(performance, 'now').mockReturnValue(performance.now() + 11 * 60_000)
    one.look()
    clock.mockRestore()
  }
  one.look()
  await end()
  one.look()
  await end(new Error('timeout'))
  later()
  expect(pulls.slice(2)).toEqual(['a blog:1'])
})

test('one that was there and is gone is pulled again', async () => {
  host('a')
  app('shop')
  const one = prefetch()
  one.look()
  await end()
  host('a', { images: ['shop:1'] })
  one.look()
  host('a')
  one.look()
  expect(pulls).toEqual(['a shop:1', 'a shop:1'])
})

test.each([
  ['whose disk is short', () => host('a', { disk: 2 * GIB })],
  ['that is drained', () => put(keys.named('drain', 'a'), { since: new Date().toISOString() })],
  ['where somebody starts something', () => wakeOn('a')],
])('nothing is pulled to a host %s', (_why, change) => {
  host('a', { disk: 20 * GIB })
  app('shop')
  change()
  prefetch().look()
  expect(pulls).toEqual([])
})

function wakeOn(name: string): void {
  const since = new Date().toISOString()
  put(keys.claim('blog', 0), { owner: 'l2/x', action: 'wake', since, host: name })
}

test.each([
  ['from a registry that is not allowed', { image: 'evil.example/shop:1' }],
  ['that may not run there', { constraints: ['gpu==yes'] }],
])('nothing is pulled for an app %s', (_why, more) => {
  host('a')
  app('shop', more)
  prefetch().look()
  expect(pulls).toEqual([])
})

test('of several launchers the first by name does it', () => {
  host('a')
  app('shop')
  for (const id of ['l1', 'l2']) put(keys.named('launcher', id), '10.0.0.1:9000')
  prefetch('l2').look()
  expect(pulls).toEqual([])
  prefetch('l1').look()
  expect(pulls).toEqual(['a shop:1'])
})

test('an image that is made here is not asked of a registry of this machine, others are', async () => {
  host('h1')
  app('made', { image: 'localhost/reveille/sandbox:1' })
  app('own', { image: 'localhost/own:1' })
  prefetch().look()
  expect(pulls).toEqual(['h1 localhost/own:1'])
  await end()
})
