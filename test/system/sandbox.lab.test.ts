import Docker from 'dockerode'
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest'
import { labEngine } from '../lab/engine.ts'
import { APP_IMAGE, HEALTH_IMAGE } from '../lab/image.ts'
import { ask, askUntil } from './client.ts'
import { type Cluster, startCluster } from './cluster.ts'
import { startLoad } from './load.ts'

const docker = new Docker({ socketPath: labEngine().url.replace('unix://', '') })
let cluster: Cluster
beforeAll(async () => {
  await docker.getImage(APP_IMAGE).tag({ repo: 'reveille-test/app', tag: '2' })
  cluster = await startCluster(['--network', 'sandbox', '--instances-per-host', '3'])
})
afterAll(() => cluster.stop())
afterEach(async () => {
  for (const { name } of (await get('/v1/apps')).apps)
    await cluster.api('DELETE', `/v1/apps/${name}`)
})

const get = async (path: string) => JSON.parse((await cluster.api('GET', path)).text)
interface Shown {
  app: string
  slot: number
  state: string
  endpoint: string | null
}
const instances = async (): Promise<Shown[]> => (await get('/v1/instances')).instances
const endpoints = async (): Promise<string[]> =>
  (await instances()).flatMap(({ endpoint }) => endpoint ?? [])
const names = async (): Promise<string[]> =>
  (await docker.listContainers({ all: true }))
    .map(({ Names }) => Names[0]?.slice(1) ?? '')
    .filter((name) => name.startsWith('reveille-'))
    .sort()
const sandbox = (app: string): Docker.Container => docker.getContainer(`reveille-${app}-0.sandbox`)
const sleep = (app: string) => cluster.api('POST', `/v1/apps/${app}/sleep`)
const ok = (app: string) => askUntil(cluster.origin, `/${app}/`, ({ status }) => status === 200, 20)

it('two instances are two, in every list and for the room of their host, and nothing of them is left', async () => {
  await cluster.add({ name: 'shop', image: APP_IMAGE, replicas: 2, idleAfter: '1h' })
  await ok('shop')
  await expect.poll(async () => (await endpoints()).length, { timeout: 20_000 }).toBe(2)
  expect((await instances()).map(({ app, slot, state }) => [app, slot, state])).toEqual([
    ['shop', 0, 'ready'],
    ['shop', 1, 'ready'],
  ])
  expect(await names()).toEqual([
    ...['reveille-shop-0', 'reveille-shop-0.sandbox'],
    ...['reveille-shop-1', 'reveille-shop-1.sandbox'],
  ])
  const before = await endpoints()
  await sleep('shop')
  const states = async () => (await instances()).map(({ state }) => state)
  await expect.poll(states).toEqual(['asleep', 'asleep'])
  await ok('shop')
  await expect.poll(endpoints, { timeout: 20_000 }).toEqual(before)
  // There is room for three on the host: two sandboxes are no instances.
  await cluster.add({ name: 'third', image: APP_IMAGE })
  expect((await ask(cluster.origin, '/third/')).status).toBe(200)
  await cluster.add({ name: 'fourth', image: APP_IMAGE })
  expect((await ask(cluster.origin, '/fourth/')).text).toContain('3 of 3 instances')
  expect((await cluster.api('DELETE', '/v1/apps/shop')).status).toBe(200)
  expect((await names()).filter((name) => name.includes('shop'))).toEqual([])
}, 90_000)

it('a restart is known to be done though the new run is where the old one was', async () => {
  await cluster.add({ name: 'shop', image: APP_IMAGE, idleAfter: '1h' })
  const boot = async () => JSON.parse((await ok('shop'))?.text ?? '{}').bootId as string
  const [before, where] = [await boot(), await endpoints()]
  const { stop } = startLoad(cluster.origin, '/shop/', 30)
  for (let round = 0; round < 3; round++)
    expect((await cluster.api('POST', '/v1/apps/shop/restart')).status).toBe(200)
  expect((await stop()).failed).toEqual([])
  expect(await boot()).not.toBe(before)
  expect(await endpoints()).toEqual(where)
}, 90_000)

it('an app is replaced under load without a failed request, and nothing of the old one is left', async () => {
  await cluster.add({ name: 'shop', image: APP_IMAGE, env: { NAME: 'v1' }, idleAfter: '1h' })
  await ok('shop')
  const { stop } = startLoad(cluster.origin, '/shop/', 30)
  const next = { image: 'reveille-test/app:2', env: { NAME: 'v2' } }
  const answer = await cluster.api('POST', '/v1/apps/shop/replace', next)
  expect(JSON.parse(answer.text)).toMatchObject({ slots: [0], left: [] })
  expect((await stop()).failed).toEqual([])
  expect(JSON.parse((await ask(cluster.origin, '/shop/')).text).app).toBe('v2')
  expect(await names()).toEqual(['reveille-shop-0', 'reveille-shop-0.sandbox'])
}, 90_000)

it.each([
  ['is killed', (its: Docker.Container) => its.kill()],
  ['is started anew', (its: Docker.Container) => its.restart()],
  ['is removed', (its: Docker.Container) => its.remove({ force: true })],
])(
  'where the sandbox of an app that runs %s, the next request finds it again',
  async (_what, harm) => {
    await cluster.add({ name: 'shop', image: APP_IMAGE, idleAfter: '1h' })
    await ok('shop')
    await harm(sandbox('shop'))
    expect((await ok('shop'))?.status).toBe(200)
    expect((await instances()).map(({ app, state }) => [app, state])).toEqual([['shop', 'ready']])
    expect(await names()).toEqual(['reveille-shop-0', 'reveille-shop-0.sandbox'])
  },
  60_000,
)

it('an app with a HEALTHCHECK is ready by it, and wakes again where it was', async () => {
  await cluster.add({ name: 'well', image: HEALTH_IMAGE, idleAfter: '1h' })
  expect((await ok('well'))?.status).toBe(200)
  const before = await endpoints()
  await sleep('well')
  expect((await ok('well'))?.status).toBe(200)
  expect(await endpoints()).toEqual(before)
}, 60_000)

it('an app that is idle sleeps, and its sandbox does not', async () => {
  await cluster.add({ name: 'idle', image: APP_IMAGE, idleAfter: '1s' })
  await ok('idle')
  const state = async () => (await instances())[0]?.state
  await expect.poll(state, { timeout: 20_000 }).toBe('asleep')
  expect((await sandbox('idle').inspect()).State.Running).toBe(true)
  expect((await ask(cluster.origin, '/idle/')).status).toBe(200)
}, 60_000)
