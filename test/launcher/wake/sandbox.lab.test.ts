import Docker from 'dockerode'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { decodeOrder } from '../../../launcher/gate/order.ts'
import { labEngine } from '../../lab/engine.ts'
import { Cluster, type Reply } from '../cluster.ts'

const docker = new Docker({ socketPath: labEngine().url.slice('unix://'.length) })
let cluster: Cluster
let one: Awaited<ReturnType<Cluster['launcher']>>

beforeAll(async () => {
  cluster = await Cluster.open()
  one = await cluster.launcher('one', { network: 'sandbox' })
})
afterAll(async () => {
  await cluster.close()
  await cluster.engine.groups.dropNetwork('pair')
})

async function sleep(app: string): Promise<void> {
  await one.sleep(app)
  await expect.poll(() => cluster.store.get(cluster.keys.claim(app, 0))).toBeNull()
}

const upstreamOf = (reply: Reply): unknown => reply.headers['x-reveille-upstream']
const reasonOf = (reply: Reply): string =>
  decodeOrder(reply.headers['x-reveille-page'] ?? '')?.problem.detail ?? ''
const sandbox = (app: string): Docker.Container => docker.getContainer(`reveille-${app}-0.sandbox`)
const idOf = async (app: string): Promise<string | undefined> =>
  (await cluster.engine.inspect(`reveille-${app}-0`))?.id

it('an app that says nothing gets what the launcher says, and keeps its address over every sleep', async () => {
  const name = await one.add({ name: 'shop' })
  const first = await one.wake(name)
  expect(first.status).toBe(200)
  const id = await idOf(name)
  for (let round = 0; round < 3; round++) {
    await sleep(name)
    const again = await one.wake(name)
    expect([again.status, upstreamOf(again)]).toEqual([200, upstreamOf(first)])
  }
  expect(await idOf(name)).toBe(id)
  expect((await sandbox(name).inspect()).State.Running).toBe(true)
})

it('an app that says bridge has none', async () => {
  const name = await one.add({ name: 'plain', network: 'bridge' })
  expect((await one.wake(name)).status).toBe(200)
  await expect(sandbox(name).inspect()).rejects.toMatchObject({ statusCode: 404 })
})

it.each([
  ['is killed', true, (its: Docker.Container) => its.kill()],
  ['is removed', false, (its: Docker.Container) => its.remove({ force: true })],
])(
  'an app whose sandbox %s while it sleeps is woken by the next request',
  async (what, isKept, harm) => {
    const name = await one.add({ name: `asleep-${what.split(' ').at(-1)}` })
    await one.wake(name)
    const id = await idOf(name)
    await sleep(name)
    await harm(sandbox(name))
    expect((await one.wake(name)).status).toBe(200)
    expect((await idOf(name)) === id).toBe(isKept)
  },
)

it('an app that is cut off and not stopped yet is started anew, and not taken for one that runs', async () => {
  const name = await one.add({ name: 'cut' })
  await one.wake(name)
  await sandbox(name).kill()
  await cluster.store.remove(cluster.keys.endpoint(name, 0))
  const gone = () => (one.catalog.endpoint(name, 0) ? null : true)
  await one.catalog.when(name, gone, AbortSignal.timeout(5_000))
  const reply = await one.wake(name)
  expect(reply.status).toBe(200)
  expect((await fetch(`http://${String(upstreamOf(reply))}/`)).status).toBe(200)
})

it('an App that changed is made anew with its sandbox: nothing of the old one is left', async () => {
  const name = await one.add({ name: 'changed' })
  await one.wake(name)
  const before = [await idOf(name), (await sandbox(name).inspect()).Id]
  await sleep(name)
  await one.add({ name, port: 8001 })
  const seen = () => (one.catalog.find(name)?.port === 8001 ? true : null)
  await one.catalog.when(name, seen, AbortSignal.timeout(5_000))
  await expect.poll(async () => (await one.wake(name)).status, { timeout: 20_000 }).toBe(200)
  const after = [await idOf(name), (await sandbox(name).inspect()).Id]
  for (const id of after) expect(before).not.toContain(id)
  const all = await docker.listContainers({ all: true })
  expect(all.filter(({ Names }) => Names[0]?.includes('changed'))).toHaveLength(2)
}, 40_000)

it('the members of a group in sandboxes are in its network', async () => {
  await one.add({ name: 'db', group: 'pair' })
  await one.add({ name: 'web', group: 'pair', dependsOn: ['db'] })
  expect((await one.wake('web')).status).toBe(200)
  const script = `fetch('http://db:8000/').then(({ status }) => process.exit(status === 200 ? 0 : 1))`
  const never = new AbortController().signal
  expect(await cluster.engine.exec('reveille-web-0', ['node', '-e', script], never)).toBe(0)
  const { HostConfig } = await docker.getContainer('reveille-web-0').inspect()
  expect(HostConfig.NetworkMode).toBe(`container:${(await sandbox('web').inspect()).Id}`)
})

it("an app with its host's network that somebody wrote into etcd is not started", async () => {
  const name = await one.add({ name: 'wide', network: 'host' })
  const reply = await one.wake(name)
  expect(reply.status).not.toBe(200)
  expect(reasonOf(reply)).toContain('--host-network on')
  expect(await idOf(name)).toBeUndefined()
})

it("where the operator allows it an app has its host's network, and is reached at its own port", async () => {
  const two = await cluster.launcher('two', { hostNetwork: 'on' })
  const name = await one.add({ name: 'open', network: 'host', port: 28_019 })
  await two.settled(name)
  const reply = await two.wake(name)
  expect([reply.status, upstreamOf(reply)]).toEqual([200, `${cluster.address}:28019`])
  expect((await fetch(`http://${cluster.address}:28019/`)).status).toBe(200)
  const { HostConfig } = await docker.getContainer('reveille-open-0').inspect()
  expect(HostConfig).toMatchObject({ NetworkMode: 'host', Privileged: false })
})
