import Docker from 'dockerode'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { labEngine } from '../lab/engine.ts'
import { ask, askUntil } from './client.ts'
import { type Cluster, startCluster } from './cluster.ts'

const image = 'reveille-test/app:1'
let cluster: Cluster

beforeAll(async () => {
  cluster = await startCluster()
  for (const name of ['warm', 'other', 'third'])
    await cluster.add({ name, image, env: { NAME: name }, idleAfter: '1h' })
  await ask(cluster.origin, '/warm/')
})
afterAll(async () => {
  await cluster.stop()
})

/** Asks a running app every 50 ms on fresh connections until stopped; counts what failed. */
function keepAsking(path: string): { stop(): Promise<{ asked: number; failed: string[] }> } {
  const failed: string[] = []
  let asked = 0
  let stopped = false
  const loop = (async () => {
    while (!stopped && asked < 5000) {
      asked += 1
      const answer = await ask(cluster.origin, path, { timeout: 20_000 }).catch(String)
      if (typeof answer === 'string') failed.push(answer)
      else if (answer.status !== 200) failed.push(`${answer.status} ${answer.text.slice(0, 200)}`)
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
  })()
  return {
    stop: async () => {
      stopped = true
      await loop
      return { asked, failed }
    },
  }
}

async function rightAgain(app: string): Promise<void> {
  const warm = await askUntil(cluster.origin, '/warm/', (answer) => answer.status === 200, 10)
  expect(warm?.status).toBe(200)
  const woken = await askUntil(cluster.origin, `/${app}/`, (answer) => answer.status === 200, 10)
  expect(woken?.status).toBe(200)
  await cluster.api('POST', `/v1/apps/${app}/sleep`)
}

describe.each(['registrar/main.js', 'controller/main.js', 'launcher/main.js'])(
  'kill -9 of %s, at random moments',
  (program) => {
    it('costs a running app no request, and a sleeping one wakes within 10 s', async () => {
      const load = keepAsking('/warm/')
      for (let round = 0; round < 3; round += 1) {
        const [pid] = cluster.pids(program)
        expect(pid).toBeDefined()
        process.kill(pid as number, 'SIGKILL')
        await new Promise((resolve) => setTimeout(resolve, Math.random() * 700))
        await rightAgain('other')
      }
      expect((await load.stop()).failed).toEqual([])
    }, 90_000)
  },
)

it('nginx killed: back with the last good configuration', async () => {
  const [pid] = cluster.pids('nginx: master')
  process.kill(pid as number, 'SIGKILL')
  await rightAgain('other')
}, 60_000)

it('the container of a running app killed: its next requests are answered by a new run', async () => {
  const docker = new Docker({ socketPath: labEngine().url.replace('unix://', '') })
  const before = JSON.parse((await ask(cluster.origin, '/warm/')).text).bootId
  await docker.getContainer('reveille-warm-0').kill()
  const answers = []
  for (let i = 0; i < 20; i += 1) answers.push(await ask(cluster.origin, `/warm/${i}`))
  expect(answers.map((answer) => answer.status)).toEqual(answers.map(() => 200))
  expect(JSON.parse(answers.at(-1)?.text ?? '{}').bootId).not.toBe(before)
}, 60_000)

it('a restart asked for under load fails no request', async () => {
  const load = keepAsking('/warm/')
  const restarted = await cluster.api('POST', '/v1/apps/warm/restart')
  expect(restarted.status).toBe(200)
  expect((await load.stop()).failed).toEqual([])
}, 60_000)

it('etcd away for 60 s: running apps lose nothing, a cold one is told to come again, then all is right', async () => {
  const load = keepAsking('/warm/')
  await cluster.etcd.down()
  await new Promise((resolve) => setTimeout(resolve, 2000))
  const cold = await ask(cluster.origin, '/third/')
  expect(cold.status).toBe(503)
  expect(Number(cold.headers['retry-after'])).toBeGreaterThan(0)
  await new Promise((resolve) => setTimeout(resolve, 58_000 - cold.took))
  await cluster.etcd.up()
  const woken = await askUntil(cluster.origin, '/third/', (answer) => answer.status === 200, 15)
  expect(woken?.status).toBe(200)
  const { asked, failed } = await load.stop()
  expect(failed).toEqual([])
  expect(asked).toBeGreaterThan(500)
}, 150_000)
