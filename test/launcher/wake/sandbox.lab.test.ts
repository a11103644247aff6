import Docker from 'dockerode'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { SANDBOX_IMAGE } from '../../../adapters/sandbox-image.ts'
import { decodeOrder } from '../../../launcher/gate/order.ts'
import { labEngine } from '../../lab/engine.ts'
import { APP_IMAGE } from '../../lab/image.ts'
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
  for (const group of ['pair', 'tight']) await cluster.engine.groups.dropNetwork(group)
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

/** Closes first, so that its side of each connection stays for a minute, and does not start while one is there. */
const STRICT = `
  const { readFileSync } = require('node:fs')
  const left = readFileSync('/proc/net/tcp', 'utf8').split('\\n').map((line) => line.trim().split(/ +/))
  if (left.some(([, local, , state]) => local?.endsWith(':1F40') && state === '06')) {
    console.error('bind: Address already in use')
    process.exit(98)
  }
  require('node:http').createServer((_request, response) => {
    response.setHeader('connection', 'close')
    response.end('ok')
  }).listen(8000, '0.0.0.0')
  process.on('SIGTERM', () => process.exit(0))`

it('an app whose own connections still keep its port gets a network without them, as it would have on the bridge', async () => {
  const name = await one.add({ name: 'strict', command: ['node', '-e', STRICT] })
  const first = await one.wake(name)
  expect(first.status).toBe(200)
  const id = await idOf(name)
  for (let n = 0; n < 3; n++)
    await (await fetch(`http://${String(upstreamOf(first))}/`, { keepalive: false })).text()
  await sleep(name)
  const starts = cluster.starts.get(name) ?? 0
  expect((await one.wake(name)).status).toBe(200)
  expect(await idOf(name)).toBe(id)
  // The one that was refused, and the one after it.
  expect((cluster.starts.get(name) ?? 0) - starts).toBe(2)
  const never = await one.add({
    name: 'never',
    command: ['node', '-e', 'console.error("EADDRINUSE"); process.exit(98)'],
  })
  for (let n = 0; n < 2; n++)
    expect(reasonOf(await one.wake(never))).toContain('exited with code 98')
}, 60_000)

it('where a network is full, the longest unused of what sleeps there gives its address to who is waited for', async () => {
  const taken = { a: '10.213.78.4', b: '10.213.78.5', c: '10.213.78.6' }
  await docker.createNetwork({
    Name: 'reveille-tight',
    Labels: { 'reveille.group': 'tight' },
    IPAM: { Config: [{ Subnet: '10.213.78.0/29', AuxiliaryAddresses: taken }] },
  } as Docker.NetworkCreateOptions)
  const isOpen = async (app: string): Promise<boolean> =>
    (await sandbox(app).inspect()).State.Running
  const names = ['first', 'second', 'third']
  for (const name of names) await one.add({ name, group: 'tight' })
  expect((await one.wake('first')).status).toBe(200)
  const id = await idOf('first')
  expect((await one.wake('second')).status).toBe(200)
  // Both run: nothing of theirs is touched for a third one.
  expect((await one.wake('third')).status).not.toBe(200)
  await sleep('second')
  await sleep('first')
  one.catalog.markUsed('second')
  await expect.poll(async () => (await one.wake('third')).status, { timeout: 20_000 }).toBe(200)
  expect(await Promise.all(names.map(isOpen))).toEqual([false, true, true])
  // It is still there, and wakes where somebody else sleeps.
  expect((await one.wake('first')).status).toBe(200)
  expect(await idOf('first')).toBe(id)
  expect(await Promise.all(names.map(isOpen))).toEqual([true, false, true])
  for (const name of names) await cluster.engine.stop(`reveille-${name}-0`, 1)
}, 60_000)

it('an app that says nothing gets a network of its own where no sandbox can be had; one that says sandbox is told', async () => {
  const [repo, tag] = SANDBOX_IMAGE.split(':')
  const made = await docker.createContainer({ Image: APP_IMAGE })
  await made.commit({ repo, tag, changes: 'ENTRYPOINT ["/none"]' })
  await made.remove()
  try {
    const name = await one.add({ name: 'anyway' })
    expect((await one.wake(name)).status).toBe(200)
    await expect(sandbox(name).inspect()).rejects.toMatchObject({ statusCode: 404 })
    const { HostConfig } = await docker.getContainer('reveille-anyway-0').inspect()
    expect(HostConfig.NetworkMode).toBe('default')
    await one.add({ name: 'insists', network: 'sandbox' })
    expect(reasonOf(await one.wake('insists'))).toContain('no sandbox can be had')
    expect(await idOf('insists')).toBeUndefined()
  } finally {
    await docker.getImage(SANDBOX_IMAGE).remove({ force: true })
  }
  // Once it can, the container that is there does as it is: nothing is made anew for it.
  const id = await idOf('anyway')
  await sleep('anyway')
  expect((await one.wake('anyway')).status).toBe(200)
  expect(await idOf('anyway')).toBe(id)
}, 60_000)

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
