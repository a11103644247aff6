import Docker from 'dockerode'
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest'
import { appContainers } from '../lab/containers.ts'
import { labEngine } from '../lab/engine.ts'
import { ask, askUntil } from './client.ts'
import { type Cluster, startCluster } from './cluster.ts'
import { startLoad } from './load.ts'

const image = 'reveille-test/app:1'
const docker = new Docker({ socketPath: labEngine().url.replace('unix://', '') })

let cluster: Cluster
beforeAll(async () => {
  await docker.getImage(image).tag({ repo: 'reveille-test/app', tag: '2' })
  cluster = await startCluster(['--services', 'apart'])
})
afterAll(async () => {
  await cluster.stop()
})

beforeEach(async () => {
  await cluster.add({ name: 'shop', image, env: { NAME: 'v1' }, replicas: 2, startTimeout: '20s' })
})
afterEach(async () => {
  await cluster.api('DELETE', '/v1/apps/shop')
})

const replace = (fields: object) => cluster.api('POST', '/v1/apps/shop/replace', fields)
const shown = async () => JSON.parse((await cluster.api('GET', '/v1/apps/shop')).text)

/** The containers of the app: names and what they were made from, those that sleep too, and sandboxes that are left over. */
async function containers(): Promise<{ id: string; name: string; image: string; state: string }[]> {
  const all = await appContainers(docker, { app: 'shop', all: true })
  return all
    .map(({ Id, Names, Image, State }) => ({
      id: Id,
      name: Names[0]?.slice(1) ?? '',
      image: Image,
      state: State,
    }))
    .sort((a, b) => (a.name < b.name ? -1 : 1))
}

/** Both replicas run, and requests go to them without a launcher. */
async function bothRun(): Promise<void> {
  await askUntil(cluster.origin, '/shop/', (answer) => answer.status === 200, 20)
  const slots = async () => (await shown()).status.slots.length
  // The second one starts once a gateway has told that the app is used.
  await expect.poll(slots, { timeout: 20_000, interval: 200 }).toBe(2)
  const led = async () =>
    /^reveille_gateway_endpoints(?:{[^}]*})? (\d+)$/m.exec(await cluster.metrics())?.[1]
  await expect.poll(led, { timeout: 20_000, interval: 200 }).toBe('2')
}

it('P04: replaces two instances under load without a failed request, and then nothing of the old one is left', async () => {
  await bothRun()
  const { load, stop } = startLoad(cluster.origin, '/shop/', 50)
  const answer = await replace({ image: 'reveille-test/app:2', env: { NAME: 'v2' } })
  expect(JSON.parse(answer.text)).toMatchObject({ app: 'shop', slots: [0, 1], left: [] })
  expect(answer.status).toBe(200)
  const left = await containers()
  const before = load.answered.get('v1')
  await expect.poll(() => load.asked, { timeout: 30_000 }).toBeGreaterThan(500)
  const { failed, asked, answered } = await stop()
  expect(failed).toEqual([])
  expect(asked).toBeGreaterThanOrEqual(400)
  expect(answered.get('v1')).toBe(before)
  expect(answered.get('v2')).toBeGreaterThan(50)
  expect(left.map(({ name, image: from, state }) => [name, from, state])).toEqual([
    ['reveille-shop-0', 'reveille-test/app:2', 'running'],
    ['reveille-shop-1', 'reveille-test/app:2', 'running'],
  ])
}, 120_000)

it.each([
  ['exits', { env: { NAME: 'v2', EXIT_CODE: '3' } }, 503, /exited with code 3\nv2: asked to exit/],
  ['never listens', { env: { NEVER_LISTEN: '1' }, startTimeout: '3s' }, 504, /within 3 s/],
])(
  'changes nothing where the new app %s, and says why',
  async (_what, fields, status, reason) => {
    await bothRun()
    const [before, app] = [await containers(), await shown()]
    const { stop } = startLoad(cluster.origin, '/shop/', 20)
    const answer = await replace(fields)
    expect(JSON.parse(answer.text).detail).toMatch(reason)
    expect(answer.status).toBe(status)
    expect((await stop()).failed).toEqual([])
    expect(await containers()).toEqual(before)
    const { status: now, ...fieldsNow } = await shown()
    const { status: then, ...fieldsThen } = app
    expect(fieldsNow).toEqual(fieldsThen)
    expect(now.revision).toBe(then.revision)
  },
  90_000,
)

it('proves an app that sleeps, and lets it sleep on', async () => {
  expect((await replace({ env: { EXIT_CODE: '3' } })).status).toBe(503)
  expect(JSON.parse((await replace({ env: { NAME: 'v2' } })).text)).toMatchObject({ slots: [] })
  expect((await shown()).status.state).toBe('asleep')
  expect(await containers()).toEqual([])
  expect(JSON.parse((await ask(cluster.origin, '/shop/')).text).app).toBe('v2')
}, 60_000)

it('stops an app that keeps something before it starts the new one, and goes back where that fails: requests wait', async () => {
  const kept = { name: 'kept', image, env: { NAME: 'v1' }, volumes: ['data:/data'] }
  await cluster.add({ ...kept, startTimeout: '20s' })
  await ask(cluster.origin, '/kept/')
  const change = (fields: object) => cluster.api('POST', '/v1/apps/kept/replace', fields)
  const { stop } = startLoad(cluster.origin, '/kept/', 10)
  const failed = await change({ env: { NAME: 'v2', EXIT_CODE: '4' } })
  expect(JSON.parse(failed.text).detail).toMatch(/^the old one is back.*exited with code 4/)
  const back = JSON.parse((await cluster.api('GET', '/v1/apps/kept')).text)
  expect(back.env).toEqual({ NAME: 'v1' })
  expect((await change({ env: { NAME: 'v2' } })).status).toBe(200)
  expect(JSON.parse((await ask(cluster.origin, '/kept/')).text).app).toBe('v2')
  // Whoever waited while the new one failed may have been told so: with its reason, and never a broken connection.
  const { failed: told, answered } = await stop()
  expect(told.filter((text) => !text.startsWith('503 ') || !text.includes('code 4'))).toEqual([])
  expect([...answered.keys()].sort()).toEqual(['v1', 'v2'])
  await cluster.api('DELETE', '/v1/apps/kept?volumes=1')
}, 120_000)

it('a launcher that dies in the middle leaves an app that works, and the next replace completes it', async () => {
  await bothRun()
  const { stop } = startLoad(cluster.origin, '/shop/', 20)
  const broken = replace({ env: { NAME: 'v2' } }).catch(() => null)
  const storedV2 = async () => (await shown().catch(() => null))?.env.NAME
  await expect.poll(storedV2, { timeout: 30_000, interval: 50 }).toBe('v2')
  const [launcher] = cluster.pids('launcher/main.js')
  process.kill(launcher as number, 'SIGKILL')
  expect(await broken).toBeNull()
  // The key of the roll goes with the lease of the one that died.
  const again = async () => (await replace({ env: { NAME: 'v2' } }).catch(() => null))?.status
  await expect.poll(again, { timeout: 40_000, interval: 500 }).toBe(200)
  const { failed } = await stop()
  expect(failed).toEqual([])
  const now = await containers()
  expect(now.map(({ name }) => name)).toEqual(['reveille-shop-0', 'reveille-shop-1'])
  for (let i = 0; i < 20; i++)
    expect(JSON.parse((await ask(cluster.origin, '/shop/')).text).app).toBe('v2')
}, 120_000)
