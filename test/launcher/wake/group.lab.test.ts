import { readFile } from 'node:fs/promises'
import Docker from 'dockerode'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { decodeOrder } from '../../../launcher/gate/order.ts'
import { Home } from '../../../model/record.ts'
import { networksOf } from '../../lab/containers.ts'
import { labEngine } from '../../lab/engine.ts'
import { Cluster, type Reply } from '../cluster.ts'

const docker = new Docker({ socketPath: labEngine().url.slice('unix://'.length) })
let cluster: Cluster
let one: Awaited<ReturnType<Cluster['launcher']>>

beforeAll(async () => {
  cluster = await Cluster.open()
  one = await cluster.launcher('one')
})
afterAll(async () => {
  await cluster.close()
  for (const group of ['shop', 'lone', 'moved', 'gone', 'lost-bridge', 'lost-sandbox']) {
    await cluster.engine.groups.dropNetwork(group)
    await cluster.engine.groups.removeVolume(group, 'data')
  }
})

function reasonOf(reply: Reply): string {
  return decodeOrder(reply.headers['x-reveille-page'] ?? '')?.problem.detail ?? ''
}

const homeOf = async (scope: string): Promise<Home> =>
  Home.parse(JSON.parse((await cluster.store.get(cluster.keys.named('home', scope)))?.value ?? ''))

/** Writes inside the app's container, or reads with no text. */
async function file(app: string, path: string): Promise<string> {
  const { Mounts } = await docker.getContainer(`reveille-${app}-0`).inspect()
  const mount = Mounts.find(({ Destination }) => path.startsWith(Destination))
  return await readFile(`${mount?.Source}${path.slice(mount?.Destination.length)}`, 'utf8')
}
const write = (app: string, path: string): Promise<number> =>
  cluster.engine.exec(
    `reveille-${app}-0`,
    ['node', '-e', `require('node:fs').writeFileSync('${path}', 'kept')`],
    new AbortController().signal,
  )

it('a volume outlives sleep and a container made anew, and the home says where it is', async () => {
  const shop = { name: 'shop', group: 'shop', volumes: ['data:/data'] }
  await one.add(shop)
  expect((await one.wake('shop')).status).toBe(200)
  expect(await write('shop', '/data/note')).toBe(0)
  expect(await homeOf('shop')).toEqual({ host: 'lab', volumes: ['data'] })
  const { HostConfig, Id } = await docker.getContainer('reveille-shop-0').inspect()
  expect(HostConfig.Binds).toBeNull()
  expect(await networksOf(docker, 'reveille-shop-0')).toEqual(['reveille-shop'])
  expect(HostConfig.Mounts?.map(({ Type }) => Type)).toEqual(['volume'])
  await one.sleep('shop')
  await one.add({ ...shop, env: { NEW: '1' } })
  const seen = () => (one.catalog.find('shop')?.env.NEW ? true : null)
  await one.catalog.when('shop', seen, AbortSignal.timeout(5_000))
  await expect.poll(async () => (await one.wake('shop')).status).toBe(200)
  expect((await docker.getContainer('reveille-shop-0').inspect()).Id).not.toBe(Id)
  expect(await file('shop', '/data/note')).toBe('kept')
})

it('an app whose volumes are on a host that is away fails and says so, and starts nowhere else', async () => {
  await one.add({ name: 'lone', volumes: ['data:/data'] })
  const home = { host: 'other', volumes: ['data'] }
  await cluster.store.put(cluster.keys.named('home', 'lone'), JSON.stringify(home))
  const known = () => (one.catalog.state.homes.has('lone') ? true : null)
  await one.catalog.when('lone', known, AbortSignal.timeout(5_000))
  const reply = await one.wake('lone')
  expect(reply.status).not.toBe(200)
  expect(reasonOf(reply)).toContain('does not have its volumes: they are on other, which is away')
  expect(cluster.starts.get('lone')).toBeUndefined()
  expect(await cluster.engine.groups.hasVolume('lone', 'data')).toBe(false)
  expect(await homeOf('lone')).toEqual(home)
}, 40_000)

it('a group that keeps nothing moves when its host is away', async () => {
  await one.add({ name: 'moved', group: 'moved' })
  const home = { host: 'other', volumes: [] }
  await cluster.store.put(cluster.keys.named('home', 'moved'), JSON.stringify(home))
  const known = () => (one.catalog.state.homes.has('moved') ? true : null)
  await one.catalog.when('moved', known, AbortSignal.timeout(5_000))
  expect((await one.wake('moved')).status).toBe(200)
  expect(await homeOf('moved')).toEqual({ host: 'lab', volumes: [] })
})

it('where volumes are is found again when etcd has lost it', async () => {
  await cluster.store.remove(cluster.keys.named('home', 'shop'))
  const lost = () => (one.catalog.state.homes.has('shop') ? null : true)
  await one.catalog.when('shop', lost, AbortSignal.timeout(5_000))
  await one.sleep('shop')
  await cluster.engine.remove((await cluster.engine.inspect('reveille-shop-0'))?.id ?? '')
  expect((await one.wake('shop')).status).toBe(200)
  expect(await file('shop', '/data/note')).toBe('kept')
  expect(await homeOf('shop')).toEqual({ host: 'lab', volumes: ['data'] })
})

it('a volume that was there and is gone is not begun anew in silence', async () => {
  await one.add({ name: 'gone', volumes: ['data:/data'] })
  const home = { host: 'lab', volumes: ['data'] }
  await cluster.store.put(cluster.keys.named('home', 'gone'), JSON.stringify(home))
  const known = () => (one.catalog.state.homes.has('gone') ? true : null)
  await one.catalog.when('gone', known, AbortSignal.timeout(5_000))
  const reply = await one.wake('gone')
  expect(reasonOf(reply)).toContain('its volume data is gone from lab')
  expect(cluster.starts.get('gone')).toBeUndefined()
})

it.each(['bridge', 'sandbox'] as const)(
  'a container whose network was removed while it slept is made anew, network %s',
  async (network) => {
    const name = `lost-${network}`
    await one.add({ name, group: name, network })
    expect((await one.wake(name)).status).toBe(200)
    const own = docker.getContainer(`reveille-${name}-0`)
    const { Id } = await own.inspect()
    await one.sleep(name)
    // The engine keeps a network that a running sandbox is in.
    if (network === 'sandbox') await docker.getContainer(`reveille-${name}-0.sandbox`).kill()
    await docker.getNetwork(`reveille-${name}`).remove()
    await expect.poll(async () => (await one.wake(name)).status, { timeout: 20_000 }).toBe(200)
    expect((await own.inspect()).Id).not.toBe(Id)
  },
  40_000,
)
