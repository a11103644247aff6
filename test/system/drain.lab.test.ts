import { join } from 'node:path'
import Docker from 'dockerode'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { command } from '../lab/command.ts'
import { labEngine } from '../lab/engine.ts'
import { gatewayText } from '../lab/gateway-text.ts'
import { ask } from './client.ts'
import { type Cluster, startCluster } from './cluster.ts'

const OPEN = 20
/** drainTimeout and stopTimeout are left as they are: 30 s, and 10 s that this app does not need. */
const LIMIT = 32_000

const docker = new Docker({ socketPath: labEngine().url.replace('unix://', '') })
let cluster: Cluster
beforeAll(async () => {
  cluster = await startCluster()
  await cluster.add({ name: 'shop', image: 'reveille-test/app:1', idleAfter: '1h' })
})
afterAll(async () => {
  await cluster.stop()
})

interface Shown {
  status: { state: string; slots: { endpoint: string }[] }
}
const shown = async () => JSON.parse((await cluster.api('GET', '/v1/apps/shop')).text) as Shown

/** Wakes the app and leaves so many requests of so many milliseconds open at it. */
async function openRequests(ms: number): Promise<{ endpoint: string; answers: Promise<number[]> }> {
  await ask(cluster.origin, '/shop/')
  const endpoint = (await shown()).status.slots[0]?.endpoint ?? ''
  const answers = Promise.all(
    Array.from({ length: OPEN }, async () => {
      const answer = await ask(cluster.origin, `/shop/sleep/${ms}`).catch(() => null)
      return answer?.status ?? 0
    }),
  )
  const open = async (): Promise<number> => {
    const connections = await command('ss', '-Htn', 'state', 'established', 'dst', endpoint)
    return connections.split('\n').filter(Boolean).length
  }
  await expect.poll(open, { timeout: 10_000 }).toBeGreaterThanOrEqual(OPEN)
  return { endpoint, answers }
}

/** What the gateway and etcd say of the app at the moment in which its container is told to end. */
async function atSigterm(endpoint: string): Promise<{ routed: boolean; registered: boolean }> {
  const events = (await docker.getEvents({
    filters: { type: ['container'], event: ['kill'], label: ['reveille.app=shop'] },
  })) as NodeJS.ReadableStream & { destroy(): void }
  await new Promise((resolve) => events.once('data', resolve))
  events.destroy()
  const [config, entry] = await Promise.all([
    gatewayText(join(cluster.runDir, 'nginx.conf')),
    command('etcdctl', '--endpoints', cluster.etcd.url, 'get', '/services/clusters/shop'),
  ])
  return { routed: config.includes(endpoint), registered: entry.includes(endpoint) }
}

it('P03: 20 requests of 15 s are answered before a stop that was asked for, and the route is gone before it', async () => {
  const { endpoint, answers } = await openRequests(15_000)
  const atEnd = atSigterm(endpoint)
  const began = performance.now()
  const answer = await cluster.api('POST', '/v1/apps/shop/sleep')
  expect(performance.now() - began).toBeLessThan(LIMIT)
  expect(JSON.parse(answer.text)).toEqual({ app: 'shop', asked: 1, state: 'asleep' })
  expect(await atEnd).toEqual({ routed: false, registered: false })
  expect(await answers).toEqual(Array.from({ length: OPEN }, () => 200))
  const { State } = await docker.getContainer('reveille-shop-0').inspect()
  expect(State.Running).toBe(false)
}, 90_000)

it('P03: a request that comes while the app drains keeps it awake', async () => {
  const { answers } = await openRequests(8_000)
  const sleep = cluster.api('POST', '/v1/apps/shop/sleep')
  const slots = async (): Promise<number> => (await shown()).status.slots.length
  await expect.poll(slots).toBe(0)
  // Until its gateway has heard that the route is gone, a request goes to the app as before.
  while ((await slots()) === 0) expect((await ask(cluster.origin, '/shop/')).status).toBe(200)
  expect(JSON.parse((await sleep).text)).toMatchObject({ asked: 1, state: 'ready' })
  expect(await answers).toEqual(Array.from({ length: OPEN }, () => 200))
}, 60_000)

it('P03: one that comes while it drains to be restarted is held, and answered by the new run', async () => {
  const { answers } = await openRequests(8_000)
  const before = JSON.parse((await ask(cluster.origin, '/shop/')).text).bootId
  const restart = cluster.api('POST', '/v1/apps/shop/restart')
  const statuses = new Set<number>()
  const run = async (): Promise<string> => {
    const { status, text } = await ask(cluster.origin, '/shop/')
    statuses.add(status)
    return JSON.parse(text).bootId as string
  }
  // The first ones may be answered as before: the route goes once its gateway has heard of it.
  await expect.poll(run, { timeout: 30_000 }).not.toBe(before)
  expect([...statuses]).toEqual([200])
  expect((await restart).status).toBe(200)
  expect(await answers).toEqual(Array.from({ length: OPEN }, () => 200))
}, 60_000)
