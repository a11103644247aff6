import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { labEngine } from '../lab/engine.ts'
import { ask } from './client.ts'
import { type Cluster, startCluster } from './cluster.ts'

const APPS = 6
const CYCLES = 50
/** milliseconds until the app ends by itself */
const IDLE = 4000
/** What was sent to an app as it hung up may be sent again only where that has no effect: a POST gets 502 then. */
const METHODS = ['GET', 'HEAD', 'OPTIONS']

let cluster: Cluster
beforeAll(async () => {
  const script = join(import.meta.dirname, '../../examples/direct-routing/images.sh')
  await promisify(execFile)('bash', [script, labEngine().url])
  cluster = await startCluster()
})
afterAll(async () => {
  await cluster.stop()
})

/** How often an app was started for a request, by the launcher's own log. */
const woken = (): number =>
  (cluster.log().match(/"result":"ready"[^\n]*"msg":"woke"/g) ?? []).length

it('50 times ended by themselves, at the very moment of a request: none fails, none waits for a back-off', async () => {
  const names = Array.from({ length: APPS }, (_, index) => `self-${index}`)
  for (const name of names)
    await cluster.add({
      ...{ name, image: 'mock-app:latest', port: 9000, health: 'auto:/status' },
      env: { IDLE: `${IDLE}ms`, CONNSTR: name },
    })
  const failures: string[] = []
  let requests = 0
  const one = async (name: string, path: string, method: string): Promise<void> => {
    requests += 1
    const answer = await ask(cluster.origin, `/${name}${path}`, { method }).catch(String)
    if (typeof answer === 'string') failures.push(`${method} ${name}: ${answer}`)
    else if (answer.status !== 200)
      failures.push(`${method} ${name}: ${answer.status} ${answer.text}`)
  }
  const until = Date.now() + 240_000
  await Promise.all(
    names.map(async (name) => {
      while (woken() < CYCLES + APPS && Date.now() < until) {
        await one(name, '/', 'GET')
        await pause(IDLE - 60)
        // Every few milliseconds over the moment of its end; /status does not keep it awake.
        const crowd: Promise<void>[] = []
        for (let turn = 0; turn < 30; turn += 1) {
          crowd.push(one(name, '/status', METHODS[turn % METHODS.length] ?? 'GET'))
          await pause(4)
        }
        await Promise.all(crowd)
      }
    }),
  )
  console.info(`${requests} requests, ${woken()} starts, ${failures.length} failed`)
  expect(failures).toEqual([])
  expect(woken()).toBeGreaterThanOrEqual(CYCLES)
}, 300_000)
