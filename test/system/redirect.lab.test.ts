import Docker from 'dockerode'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { labEngine } from '../lab/engine.ts'
import { ask } from './client.ts'
import { type Cluster, startCluster } from './cluster.ts'

const docker = new Docker({ socketPath: labEngine().url.slice('unix://'.length) })
const headers = { cookie: 'instance=shop' }

let cluster: Cluster
beforeAll(async () => {
  cluster = await startCluster([
    ...['--cookie', 'instance', '--fallback', '/home', '--cookie-answer', 'redirect'],
  ])
  await cluster.add({ name: 'shop', image: 'reveille-test/app:1', stopTimeout: '2s' })
})
afterAll(async () => {
  await cluster.stop()
})

/** Runs `work` while a process of the cluster is frozen. */
async function without(part: string, work: () => Promise<void>): Promise<void> {
  const [pid = 0] = cluster.pids(part)
  process.kill(pid, 'SIGSTOP')
  try {
    await work()
  } finally {
    process.kill(pid, 'SIGCONT')
  }
}

it('who is redirected finds a gateway that leads there, and needs no launcher any more', async () => {
  const cold = await ask(cluster.origin, '/cart?x=1', { headers })
  expect([cold.status, cold.headers.location]).toEqual([302, '/'])
  await without('launcher/main', async () => {
    const warm = await ask(cluster.origin, '/', { headers, timeout: 5_000 })
    expect([warm.status, JSON.parse(warm.text).app]).toEqual([200, expect.anything()])
  })
}, 60_000)

it('nobody is redirected to what no gateway leads to: it is stopped, and said', async () => {
  expect((await cluster.api('POST', '/v1/apps/shop/sleep')).status).toBe(200)
  await without('controller/main', async () => {
    const late = await ask(cluster.origin, '/', { headers })
    expect(late.status, late.text).toBe(504)
    expect(late.text).toContain('no gateway leads to it')
    const { State } = await docker.getContainer('reveille-shop-0').inspect()
    expect(State.Running).toBe(false)
  })
}, 90_000)
