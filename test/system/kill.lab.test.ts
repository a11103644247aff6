import { setTimeout as pause } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ask } from './client.ts'
import { type Cluster, startCluster } from './cluster.ts'
import { keepAsking, rightAgain, sleepOnceThere } from './right.ts'

const image = 'reveille-test/app:1'

describe.each([
  { services: 'together', programs: ['service-main.js services'] },
  { services: 'apart', programs: ['registrar/main.js', 'controller/main.js', 'launcher/main.js'] },
])('services $services', ({ services, programs }) => {
  let cluster: Cluster

  beforeAll(async () => {
    cluster = await startCluster(['--services', services])
    for (const name of ['warm', 'other'])
      await cluster.add({ name, image, env: { NAME: name }, idleAfter: '1h' })
    await ask(cluster.origin, '/warm/')
  })
  afterAll(async () => {
    await cluster.stop()
  })

  it.each(programs)(
    'kill -9 of %s in the middle of wakes and sleeps costs a running app no request, and a sleeping one wakes within 10 s',
    async (program) => {
      const load = keepAsking(cluster, '/warm/')
      for (let round = 0; round < 4; round += 1) {
        // Every other round the app is going to sleep when the process dies, else it is waking up.
        if (round % 2 === 1) void cluster.api('POST', '/v1/apps/other/sleep').catch(() => {})
        else void ask(cluster.origin, '/other/').catch(() => {})
        await pause(Math.random() * 700)
        const pids = cluster.pids(program)
        expect(pids).toHaveLength(1)
        process.kill(pids[0] as number, 'SIGKILL')
        await rightAgain(cluster, 'other')
        await sleepOnceThere(cluster, 'other')
      }
      expect((await load.stop()).failed).toEqual([])
    },
    120_000,
  )
})
