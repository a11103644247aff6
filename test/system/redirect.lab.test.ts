import Docker from 'dockerode'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { labEngine } from '../lab/engine.ts'
import { ask } from './client.ts'
import { type Cluster, startCluster } from './cluster.ts'

const docker = new Docker({ socketPath: labEngine().url.slice('unix://'.length) })

describe.each(['nginx', 'haproxy'])('behind %s', (proxy) => {
  // A name of its own: the container of the one before is still there.
  const name = `shop-${proxy}`
  const headers = { cookie: `instance=${name}` }
  let cluster: Cluster
  beforeAll(async () => {
    cluster = await startCluster([
      ...['--cookie', 'instance', '--fallback', '/home', '--cookie-answer', 'redirect'],
      ...['--proxy', proxy, '--services', 'apart'],
    ])
    await cluster.add({ name, image: 'reveille-test/app:1', stopTimeout: '2s' })
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

  it('who names no app, or none that there is, is redirected to the fallback', async () => {
    for (const cookie of ['other=1', 'instance=nobody', `instance=${name}.x`]) {
      const lost = await ask(cluster.origin, '/cart', { headers: { cookie } })
      expect([lost.status, lost.headers.location], cookie).toEqual([302, '/home'])
    }
  })

  it('who is redirected finds a gateway that leads there, and needs no launcher any more', async () => {
    const cold = await ask(cluster.origin, '/cart?x=1', { headers })
    expect([cold.status, cold.headers.location]).toEqual([302, '/'])
    await without('launcher/main', async () => {
      const warm = await ask(cluster.origin, '/', { headers, timeout: 5_000 })
      expect([warm.status, JSON.parse(warm.text).app]).toEqual([200, expect.anything()])
    })
  }, 60_000)

  it('nobody is redirected to what no gateway leads to: it is stopped, and said', async () => {
    expect((await cluster.api('POST', `/v1/apps/${name}/sleep`)).status).toBe(200)
    await without('controller/main', async () => {
      const late = await ask(cluster.origin, '/', { headers })
      expect(late.status, late.text).toBe(504)
      expect(late.text).toContain('no gateway leads to it')
      const { State } = await docker.getContainer(`reveille-${name}-0`).inspect()
      expect(State.Running).toBe(false)
    })
  }, 90_000)

  it('who wakes it again is redirected again', async () => {
    const again = () => ask(cluster.origin, '/cart', { headers })
    await expect.poll(async () => (await again()).status, { timeout: 30_000 }).toBe(302)
    const warm = await ask(cluster.origin, '/', { headers })
    expect([warm.status, JSON.parse(warm.text).app]).toEqual([200, expect.anything()])
  }, 60_000)
})
