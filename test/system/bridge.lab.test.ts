import Docker from 'dockerode'
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest'
import { networksOf } from '../lab/containers.ts'
import { labEngine } from '../lab/engine.ts'
import { APP_IMAGE } from '../lab/image.ts'
import { ask, askUntil } from './client.ts'
import { type Cluster, startCluster } from './cluster.ts'
import { startLoad } from './load.ts'

// Apps on the engine's bridge, each with a network of its own that is made at each start: where the operator says so. All
// that is true of an app in a sandbox is true of them, but that its address stays.

const docker = new Docker({ socketPath: labEngine().url.replace('unix://', '') })
let cluster: Cluster
beforeAll(async () => {
  await docker.getImage(APP_IMAGE).tag({ repo: 'reveille-test/app', tag: '2' })
  cluster = await startCluster(['--network', 'bridge'])
})
afterAll(() => cluster.stop())
afterEach(async () => {
  for (const { name } of (await get('/v1/apps')).apps)
    await cluster.api('DELETE', `/v1/apps/${name}`)
  expect(await names()).toEqual([])
})

const get = async (path: string) => JSON.parse((await cluster.api('GET', path)).text)
const names = async (): Promise<string[]> =>
  (await docker.listContainers({ all: true }))
    .flatMap(({ Names }) => Names.map((name) => name.slice(1)))
    .filter((name) => name.startsWith('reveille-'))
    .sort()
const inspect = (app: string) => docker.getContainer(`reveille-${app}-0`).inspect()
const stateOf = async (): Promise<string> => (await get('/v1/instances')).instances[0]?.state
const ok = (app: string) => askUntil(cluster.origin, `/${app}/`, ({ status }) => status === 200, 20)

it('200 clients on a cold app are one start, of one container with a network of its own', async () => {
  await cluster.add({ name: 'shop', image: APP_IMAGE })
  const answers = await Promise.all(
    Array.from({ length: 200 }, () => ask(cluster.origin, '/shop/', { timeout: 30_000 })),
  )
  expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]))
  expect(new Set(answers.map(({ text }) => JSON.parse(text).bootId)).size).toBe(1)
  expect(await names()).toEqual(['reveille-shop-0'])
  expect(await networksOf(docker, 'reveille-shop-0')).toEqual(['bridge'])
}, 60_000)

it('an app that is idle sleeps, and its next request starts the same container', async () => {
  await cluster.add({ name: 'shop', image: APP_IMAGE, idleAfter: '1s' })
  for (let round = 0; round < 3; round++) {
    expect((await ask(cluster.origin, '/shop/')).status).toBe(200)
    await expect.poll(stateOf, { timeout: 20_000 }).toBe('asleep')
  }
  const { Id } = await inspect('shop')
  await ok('shop')
  expect((await inspect('shop')).Id).toBe(Id)
}, 90_000)

it('a restart and a replace under load fail no request', async () => {
  await cluster.add({ name: 'shop', image: APP_IMAGE, env: { NAME: 'v1' }, idleAfter: '1h' })
  await ok('shop')
  const { stop } = startLoad(cluster.origin, '/shop/', 30)
  expect((await cluster.api('POST', '/v1/apps/shop/restart')).status).toBe(200)
  const next = { image: 'reveille-test/app:2', env: { NAME: 'v2' } }
  const answer = await cluster.api('POST', '/v1/apps/shop/replace', next)
  expect(JSON.parse(answer.text)).toMatchObject({ slots: [0], left: [] })
  expect((await stop()).failed).toEqual([])
  expect(JSON.parse((await ask(cluster.origin, '/shop/')).text).app).toBe('v2')
  expect(await names()).toEqual(['reveille-shop-0'])
}, 90_000)

it('a container that is killed is started again by the next request', async () => {
  await cluster.add({ name: 'shop', image: APP_IMAGE, idleAfter: '1h' })
  await ok('shop')
  await docker.getContainer('reveille-shop-0').kill()
  expect((await ok('shop'))?.status).toBe(200)
  await expect.poll(stateOf).toBe('ready')
}, 60_000)

it('an app that says sandbox has one there too', async () => {
  await cluster.add({ name: 'shop', image: APP_IMAGE, network: 'sandbox' })
  await ok('shop')
  expect(await names()).toEqual(['reveille-shop-0', 'reveille-shop-0.sandbox'])
}, 60_000)
