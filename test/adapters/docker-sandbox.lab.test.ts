import { setTimeout as pause } from 'node:timers/promises'
import Docker from 'dockerode'
import { afterEach, expect, test } from 'vitest'
import { openEngine } from '../../adapters/docker-open.ts'
import { SANDBOX_IMAGE } from '../../adapters/sandbox-image.ts'
import { App, type AppInput } from '../../model/app.ts'
import type { Network } from '../../model/network.ts'
import { clearEngine, labEngine } from '../lab/engine.ts'
import { APP_IMAGE, HEALTH_IMAGE } from '../lab/image.ts'

const { url, address } = labEngine()
const engine = openEngine(url)
const docker = new Docker({ socketPath: url.slice('unix://'.length) })
const never = new AbortController().signal

afterEach(clearEngine)

interface Made {
  id: string
  name: string
}

async function create(
  input: Omit<AppInput, 'image'> & { image?: string },
  network: Network = 'sandbox',
): Promise<Made> {
  const app = App.parse({ image: APP_IMAGE, ...input })
  const labels = { 'reveille.app': app.name, 'reveille.port': String(app.port) }
  const name = `reveille-${app.name}-0`
  const id = await engine.create({ name, app, labels, publish: address, network })
  return { id, name }
}

async function run(...made: Parameters<typeof create>): Promise<Made> {
  const one = await create(...made)
  await engine.start(one.id)
  return one
}

const portOf = async (id: string): Promise<number> =>
  (await engine.inspect(id))?.published[8000]?.port ?? 0

/** Its answer, once there is one. */
async function answer(port: number): Promise<string> {
  let text = ''
  const ask = async (): Promise<number> => {
    const response = await fetch(`http://${address}:${port}/`)
    text = await response.text()
    return response.status
  }
  await expect.poll(() => ask().catch(() => 0), { timeout: 5_000, interval: 20 }).toBe(200)
  return text
}

const sandbox = ({ name }: Made): Docker.Container => docker.getContainer(`${name}.sandbox`)
const all = async (): Promise<string[]> =>
  (await docker.listContainers({ all: true })).map(({ Names }) => Names[0] ?? '').sort()

test('an app in a sandbox is one container for everybody, and its address stays while it sleeps', async () => {
  const made = await run({ name: 'shop' })
  const port = await portOf(made.id)
  await answer(port)
  expect((await engine.list()).map(({ id }) => id)).toEqual([made.id])
  expect((await engine.list())[0]?.published[8000]).toEqual({ host: address, port })
  for (let round = 0; round < 2; round++) {
    await engine.stop(made.id, 1)
    expect(await engine.inspect(made.id)).toMatchObject({ state: 'exited', published: {} })
    expect((await engine.list())[0]?.published).toEqual({})
    await engine.start(made.id)
    expect(await portOf(made.id)).toBe(port)
    await answer(port)
  }
  expect(await engine.inspect((await sandbox(made).inspect()).Id)).toBeNull()
  expect(await engine.foreign()).toEqual([])
  expect(await all()).toEqual(['/reveille-shop-0', '/reveille-shop-0.sandbox'])
})

test('while it sleeps and starts, a connect is refused at once: nobody waits for a second', async () => {
  const made = await run({ name: 'shop' })
  const port = await portOf(made.id)
  await answer(port)
  await engine.stop(made.id, 1)
  const outcomes: { ms: number; outcome: string }[] = []
  let isUp = false
  const ask = async (): Promise<void> => {
    while (!isUp) {
      const began = performance.now()
      const outcome = await fetch(`http://${address}:${port}/`).then(
        ({ status }) => String(status),
        (error: Error & { cause?: { code?: string } }) => String(error.cause?.code),
      )
      outcomes.push({ ms: performance.now() - began, outcome })
      isUp = outcome === '200'
      await pause(5)
    }
  }
  const asking = ask()
  await pause(50)
  await engine.start(made.id)
  await asking
  const refused = outcomes.filter(({ outcome }) => outcome === 'ECONNREFUSED')
  expect(refused.length).toBeGreaterThan(5)
  expect(outcomes).toHaveLength(refused.length + 1)
  // one lost SYN would be a whole second
  expect(Math.max(...refused.map(({ ms }) => ms))).toBeLessThan(900)
})

test('a sandbox may do nothing, is as small as can be, and is not started by its engine', async () => {
  const made = await run({ name: 'shop' })
  const { Config, HostConfig, State } = await sandbox(made).inspect()
  expect(Config).toMatchObject({ User: '65534:65534', StopSignal: 'SIGKILL', Env: null })
  expect(Config.Labels).toMatchObject({ 'reveille.app': 'shop', 'reveille.sandbox': made.name })
  expect(HostConfig).toMatchObject({
    ...{ Privileged: false, ReadonlyRootfs: true, CapDrop: ['ALL'], CapAdd: null, Binds: null },
    ...{ Memory: 16 * 1024 ** 2, PidsLimit: 16, SecurityOpt: ['no-new-privileges'] },
    RestartPolicy: { Name: 'no', MaximumRetryCount: 0 },
  })
  const script = `
    const { readFileSync } = require('node:fs')
    process.exit(readFileSync('/proc/self/status', 'utf8').includes('NoNewPrivs:\\t1') ? 0 : 1)`
  expect(await engine.exec(made.id, ['node', '-e', script], never)).toBe(0)
  expect(State.Running).toBe(true)
  const { Size } = await docker.getImage(Config.Image).inspect()
  expect(Size).toBeLessThan(1024)
})

test('a sandbox that was killed is started again, and then its app', async () => {
  const made = await run({ name: 'shop' })
  await answer(await portOf(made.id))
  await engine.stop(made.id, 1)
  await sandbox(made).kill()
  await engine.start(made.id)
  await answer(await portOf(made.id))
  // while it runs: it is said to be cut, and a start mends both
  await sandbox(made).kill()
  expect(await engine.inspect(made.id)).toMatchObject({ state: 'running', isCut: true })
  expect((await engine.list())[0]).toMatchObject({ isCut: true, published: {} })
  await engine.start(made.id)
  expect((await engine.inspect(made.id))?.isCut).toBeUndefined()
  await answer(await portOf(made.id))
})

test('an app whose sandbox was started anew without it is cut off, though both run', async () => {
  const made = await run({ name: 'shop' })
  await answer(await portOf(made.id))
  await sandbox(made).restart()
  expect(await engine.inspect(made.id)).toMatchObject({ state: 'running', isCut: true })
  await engine.start(made.id)
  await answer(await portOf(made.id))
})

test('where the sandbox was removed the start says so, and both can be made anew', async () => {
  const made = await run({ name: 'shop' })
  await engine.stop(made.id, 1)
  await sandbox(made).remove({ force: true })
  await expect(engine.start(made.id)).rejects.toMatchObject({ code: 'no-network' })
  await engine.remove(made.id)
  await answer(await portOf((await run({ name: 'shop' })).id))
})

test('the end of a sandbox is told as a cut of its app, and a stop or a removal of both is not', async () => {
  const made = await run({ name: 'shop' })
  const told: string[] = []
  const ending = new AbortController()
  const since = await engine.time()
  const follow = async (): Promise<void> => {
    for await (const { action, id } of engine.events(since, ending.signal))
      told.push(`${action} ${id === made.id ? 'app' : id}`)
  }
  const following = follow().catch(() => {})
  await sandbox(made).kill()
  await expect.poll(() => told).toEqual(['cut app'])
  await engine.start(made.id)
  await expect.poll(() => told.slice(1)).toEqual(['die app', 'start app'])
  await engine.stop(made.id, 1)
  await engine.remove(made.id)
  await expect.poll(() => told.slice(3)).toEqual(['die app', 'destroy app'])
  await pause(200)
  expect(told).toHaveLength(5)
  ending.abort()
  await following
})

test('both are removed together, and neither is there after a start that failed', async () => {
  const before = await all()
  const made = await run({ name: 'shop' })
  await expect(engine.remove(made.id)).rejects.toMatchObject({ code: 'conflict' })
  expect(await all()).toHaveLength(before.length + 2)
  await engine.stop(made.id, 1)
  await engine.remove(made.id)
  expect(await all()).toEqual(before)
  const missing = create({ name: 'none', image: 'reveille-test/none:1' })
  await expect(missing).rejects.toMatchObject({ code: 'no-image' })
  expect(await all()).toEqual(before)
})

test('a sandbox that a broken start left is no container and is made anew; one in use is not touched', async () => {
  const first = await create({ name: 'shop' })
  await docker.getContainer(first.id).remove()
  expect(await engine.list()).toEqual([])
  const left = (await sandbox(first).inspect()).Id
  expect(await engine.loneSandboxes()).toEqual([{ id: left, app: 'shop', slot: 0 }])
  const second = await run({ name: 'shop' })
  expect((await sandbox(second).inspect()).Id).not.toBe(left)
  expect(await engine.loneSandboxes()).toEqual([])
  const before = (await sandbox(second).inspect()).Id
  await expect(create({ name: 'shop' })).rejects.toMatchObject({ code: 'name-taken' })
  expect((await sandbox(second).inspect()).Id).toBe(before)
  await answer(await portOf(second.id))
})

test('the sandbox of one that sleeps is stopped, and is there again with its next start', async () => {
  const made = await run({ name: 'shop' })
  await answer(await portOf(made.id))
  expect((await engine.list())[0]?.hasSandbox).toBe(true)
  await engine.stopSandbox(made.id)
  expect((await sandbox(made).inspect()).State.Running).toBe(true)
  const running = await engine.inspect(made.id)
  expect(await engine.inspect(made.id, { forWake: true })).toEqual(running)
  await engine.stop(made.id, 1)
  expect((await engine.list())[0]?.hasSandbox).toBe(true)
  const { hasSandbox, ...asleep } = (await engine.inspect(made.id)) ?? {}
  expect(hasSandbox).toBe(true)
  expect(await engine.inspect(made.id, { forWake: true })).toEqual(asleep)
  for (let round = 0; round < 2; round++) await engine.stopSandbox(made.id)
  const { State, NetworkSettings } = await sandbox(made).inspect()
  expect([State.Running, NetworkSettings.Ports]).toEqual([false, {}])
  expect((await engine.list())[0]?.hasSandbox).toBeUndefined()
  await engine.start(made.id)
  await answer(await portOf(made.id))
  expect(await all()).toEqual(['/reveille-shop-0', '/reveille-shop-0.sandbox'])
})

test('a network without an address left says so, to a sandbox that is made and to one that is started again', async () => {
  const IPAM = { Config: [{ Subnet: '10.213.77.0/30' }] }
  const Labels = { 'reveille.group': 'tight' }
  await docker.createNetwork({
    Name: 'reveille-tight',
    Labels,
    IPAM,
  } as Docker.NetworkCreateOptions)
  const first = await run({ name: 'one', group: 'tight' })
  const second = create({ name: 'two', group: 'tight' })
  await expect(second).rejects.toMatchObject({ code: 'no-address' })
  await expect(run({ name: 'three', group: 'tight' }, 'bridge')).rejects.toMatchObject({
    code: 'no-address',
  })
  await engine.stop(first.id, 1)
  await engine.stopSandbox(first.id)
  const other = await run({ name: 'two', group: 'tight' })
  await expect(engine.start(first.id)).rejects.toMatchObject({ code: 'no-address' })
  await engine.stop(other.id, 1)
  await engine.stopSandbox(other.id)
  await engine.start(first.id)
  await answer(await portOf(first.id))
})

test('an image that exposes ports runs in a sandbox', async () => {
  const exposing = 'reveille-test/exposing:1'
  const container = await docker.createContainer({ Image: APP_IMAGE })
  const [repo, tag] = exposing.split(':')
  await container.commit({ repo, tag, changes: 'EXPOSE 8000 9000/udp' })
  await container.remove()
  const made = await run({ name: 'shop', image: exposing })
  await answer(await portOf(made.id))
})

test('an engine that cannot run a sandbox says that there is none to be had, and nothing is left', async () => {
  const container = await docker.createContainer({ Image: APP_IMAGE })
  const [repo, tag] = SANDBOX_IMAGE.split(':')
  await container.commit({ repo, tag, changes: 'ENTRYPOINT ["/none"]' })
  await container.remove()
  try {
    await expect(create({ name: 'shop' })).rejects.toMatchObject({ code: 'no-sandbox' })
    expect(await all()).toEqual([])
  } finally {
    await docker.getImage(SANDBOX_IMAGE).remove()
  }
})

test('only a sandbox is removed as one', async () => {
  const made = await run({ name: 'shop' })
  await engine.removeSandbox(made.id)
  await engine.removeSandbox('0123456789ab')
  expect((await engine.inspect(made.id))?.state).toBe('running')
})

test('labels of an image make no sandbox of a container', async () => {
  const Labels = { 'reveille.app': 'shop', 'reveille.sandbox': 'reveille-shop-0' }
  const made = await docker.createContainer({
    ...{ name: 'somebodys', Image: APP_IMAGE, Labels },
  })
  expect((await engine.list()).map(({ id }) => id)).toEqual([made.id])
  expect(await engine.loneSandboxes()).toEqual([])
})

test.each(['other.sandbox', 'reveille-other-0.sandbox'])(
  'a container of somebody called %s, whose image has the labels of a sandbox, is not removed as one',
  async (name) => {
    const image = 'reveille-test/posing:1'
    const [repo, tag] = image.split(':')
    const from = await docker.createContainer({ Image: APP_IMAGE })
    const labels = `LABEL reveille.app=other reveille.sandbox=${name.replace('.sandbox', '')}`
    await from.commit({ repo, tag, changes: labels })
    await from.remove()
    const { id } = await docker.createContainer({ name, Image: image })
    expect(await engine.loneSandboxes()).toEqual([])
    await engine.removeSandbox(id)
    expect((await docker.getContainer(id).inspect()).Id).toBe(id)
  },
)

test('a sandbox whose image lost its name to another one is still a sandbox', async () => {
  const made = await run({ name: 'shop' })
  const [repo, tag] = SANDBOX_IMAGE.split(':')
  const from = await docker.createContainer({ Image: APP_IMAGE })
  await from.commit({ repo, tag })
  await from.remove()
  try {
    expect((await engine.list()).map(({ id, hasSandbox }) => [id, hasSandbox])).toEqual([
      [made.id, true],
    ])
    await answer(await portOf(made.id))
    await engine.stop(made.id, 1)
    await engine.remove(made.id)
    expect(await all()).toEqual([])
  } finally {
    await docker.getImage(SANDBOX_IMAGE).remove({ force: true })
  }
})

test('the image is given to an engine that has lost it', async () => {
  await run({ name: 'shop' })
  await clearEngine()
  await docker.getImage(SANDBOX_IMAGE).remove()
  await answer(await portOf((await run({ name: 'shop' })).id))
})

test("a HEALTHCHECK runs in the app, and the app finds itself by its group's name", async () => {
  await engine.groups.provideNetwork('one')
  const shop = await run({ name: 'shop', group: 'one', image: HEALTH_IMAGE })
  const db = await run({ name: 'DB', group: 'one' })
  await expect
    .poll(async () => (await engine.inspect(shop.id))?.health, { timeout: 10_000 })
    .toBe('healthy')
  const command = await engine.healthcheck(shop.id)
  expect(await engine.exec(shop.id, command ?? [], never)).toBe(0)
  const script = `fetch('http://db:8000/').then(({ status }) => process.exit(status === 200 ? 0 : 1))`
  await answer(await portOf(db.id))
  expect(await engine.exec(shop.id, ['node', '-e', script], never)).toBe(0)
  for (const { id } of [shop, db]) {
    await engine.stop(id, 1)
    await engine.remove(id)
  }
  await engine.groups.dropNetwork('one')
  const networks = await docker.listNetworks()
  expect(networks.map(({ Name }) => Name)).not.toContain('reveille-one')
})

test("an app in its host's network is reached at the port it listens on", async () => {
  const made = await run({ name: 'open', port: 28_017 }, 'host')
  expect((await engine.inspect(made.id))?.published).toEqual({
    28_017: { host: '0.0.0.0', port: 28_017 },
  })
  await answer(28_017)
  expect(await all()).toEqual(['/reveille-open-0'])
})
