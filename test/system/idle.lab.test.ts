import { setTimeout as pause } from 'node:timers/promises'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { ask } from './client.ts'
import { type Cluster, startCluster } from './cluster.ts'
import { VISITS, visit } from './visit.ts'

const image = 'reveille-test/app:1'

let cluster: Cluster
beforeAll(async () => {
  cluster = await startCluster(['--live', 'on'])
})
afterAll(async () => {
  await cluster.stop()
})

interface Status {
  state: string
  slots: unknown[]
}

async function stateOf(app: string): Promise<string> {
  const answer = await cluster.api('GET', `/v1/apps/${app}`)
  return (JSON.parse(answer.text) as { status: Status }).status.state
}

/** What the gateway says of requests that are with apps: how many each has, in the order of {@link VISITS}. */
async function inFlight(): Promise<[string, number][]> {
  const metrics = await cluster.metrics()
  const line = /^reveille_in_flight\{app="(.*)",slot="0",service="controller"\} (\d+)$/gm
  const found = new Map([...metrics.matchAll(line)].map(([, app, count]) => [app, Number(count)]))
  return VISITS.map((name) => [name, found.get(name) ?? 0])
}

/** Waits until the app is asleep, for so many seconds at most. */
async function sleeps(app: string, seconds: number): Promise<boolean> {
  for (let i = 0; i < seconds * 5; i += 1) {
    if ((await stateOf(app)) === 'asleep') return true
    await pause(200)
  }
  return false
}

it('an app that nobody uses sleeps, and its next request wakes it', async () => {
  await cluster.add({ name: 'unused', image, idleAfter: '2s' })
  await ask(cluster.origin, '/unused/')
  expect(await stateOf('unused')).toBe('ready')
  expect(await sleeps('unused', 15)).toBe(true)
  expect((await ask(cluster.origin, '/unused/')).status).toBe(200)
}, 40_000)

it('an open WebSocket, event stream, slow answer or slow upload is use for as long as it is open', async () => {
  for (const name of VISITS) await cluster.add({ name, image, idleAfter: '2s' })
  const visits = await visit(cluster.origin, 16)
  await pause(8000)
  for (const name of VISITS) expect(await stateOf(name), name).toBe('ready')
  await expect.poll(inFlight).toEqual(VISITS.map((name) => [name, 1]))
  for (const end of visits) await end()
  for (const name of VISITS) expect(await sleeps(name, 15), name).toBe(true)
}, 90_000)

it('each of them keeps a sleep that was asked for waiting, until it ends', async () => {
  const visits = await visit(cluster.origin, 10)
  await expect.poll(inFlight).toEqual(VISITS.map((name) => [name, 1]))
  const asked = VISITS.map(async (name) => {
    const { text } = await cluster.api('POST', `/v1/apps/${name}/sleep`)
    return (JSON.parse(text) as Status).state
  })
  const began = performance.now()
  const first = await Promise.race([...asked, pause(4000, 'none')])
  expect([first, performance.now() - began < 9000]).toEqual(['none', true])
  for (const end of visits) await end()
  expect(await Promise.all(asked)).toEqual(VISITS.map(() => 'asleep'))
}, 60_000)

it('min keeps one instance awake, and the other replicas sleep', async () => {
  await cluster.add({ name: 'pair', image, idleAfter: '2s', min: 1, replicas: 2 })
  await ask(cluster.origin, '/pair/')
  const seen = new Set<string>()
  for (let i = 0; i < 150 && seen.size < 2; i += 1) {
    seen.add(JSON.parse((await ask(cluster.origin, '/pair/')).text).host)
    await pause(100)
  }
  expect(seen.size, 'replicas share the load').toBe(2)
  const running = async (): Promise<number> => {
    const { text } = await cluster.api('GET', '/v1/apps/pair')
    return (JSON.parse(text) as { status: Status }).status.slots.length
  }
  for (let i = 0; i < 100 && (await running()) > 1; i += 1) await pause(200)
  await pause(4000)
  expect(await running()).toBe(1)
  expect((await ask(cluster.origin, '/pair/')).status).toBe(200)
}, 90_000)
