import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import Docker from 'dockerode'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { labEngine } from '../lab/engine.ts'
import { gatewayText } from '../lab/gateway-text.ts'
import { ask, askUntil } from './client.ts'
import { type Cluster, startCluster } from './cluster.ts'
import { keepAsking, rightAgain } from './right.ts'

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

it('nginx killed: back with the last good configuration', async () => {
  const file = join(cluster.runDir, 'nginx.conf')
  await expect.poll(() => gatewayText(file)).toMatch(/"\/warm"|^warm\t/m)
  const before = await readFile(file, 'utf8')
  const generation = (await ask(cluster.origin, '/_reveille/generation')).text
  const [pid] = cluster.pids('nginx: master')
  process.kill(pid as number, 'SIGKILL')
  // Workers outlive their master for a moment: only another master is a new Nginx.
  await expect
    .poll(() => cluster.pids('nginx: master').filter((other) => other !== pid).length, {
      timeout: 10_000,
    })
    .toBe(1)
  const back = await askUntil(
    cluster.origin,
    '/_reveille/generation',
    (answer) => answer.status === 200,
    10,
  )
  expect(back?.text).toBe(generation)
  expect(await readFile(file, 'utf8')).toBe(before)
  expect((await ask(cluster.origin, '/warm/')).status).toBe(200)
  await rightAgain(cluster, 'other')
}, 60_000)

it('etcd away for 60 s: running apps lose nothing, a cold one is told to come again, then all is right', async () => {
  const load = keepAsking(cluster, '/warm/')
  await cluster.etcd.down()
  await pause(2000)
  const cold = await ask(cluster.origin, '/third/')
  expect(cold.status).toBe(503)
  expect(Number(cold.headers['retry-after'])).toBeGreaterThan(0)
  await pause(58_000 - cold.took)
  await cluster.etcd.up()
  const woken = await askUntil(cluster.origin, '/third/', (answer) => answer.status === 200, 10)
  expect(woken?.status).toBe(200)
  const { asked, failed } = await load.stop()
  expect(failed).toEqual([])
  expect(asked).toBeGreaterThan(500)
}, 150_000)

// An app that ends soon after it was ready is not started again at once: `warm` has run for a minute by now.
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
  const load = keepAsking(cluster, '/warm/')
  const restarted = await cluster.api('POST', '/v1/apps/warm/restart')
  expect(restarted.status).toBe(200)
  expect((await load.stop()).failed).toEqual([])
}, 60_000)
