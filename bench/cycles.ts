import { Agent, request } from 'node:http'
import { setTimeout as pause } from 'node:timers/promises'
import { APP_IMAGE } from '../test/lab/image.ts'
import { startCluster } from '../test/system/cluster.ts'
import type { Report } from './report.ts'

const APPS = 20
const CYCLES = Number(process.env.BENCH_CYCLES ?? 200)
const METHODS = ['GET', 'POST', 'HEAD', 'PUT', 'DELETE', 'PATCH']
const MOST_SECONDS = 240

/**
 * Apps fall asleep and are woken all the time, by clients that keep their connection, never try again, and send bodies:
 * how many requests fail. Requests come around the moment at which an app goes to sleep.
 */
export async function benchCycles(): Promise<Report> {
  const cluster = await startCluster()
  const failures: string[] = []
  let requests = 0
  try {
    const names = Array.from({ length: APPS }, (_, i) => `cycle-${i}`)
    for (const name of names)
      await cluster.add({
        name,
        image: APP_IMAGE,
        env: { NAME: name },
        idleAfter: '1s',
        stopTimeout: '3s',
      })
    const slept = (): number => (cluster.log().match(/"msg":"slept"/g) ?? []).length
    const end = Date.now() + MOST_SECONDS * 1000
    await Promise.all(
      names.map(async (name, i) => {
        const agent = new Agent({ keepAlive: true, maxSockets: 1 })
        for (let round = 0; slept() < CYCLES && Date.now() < end; round += 1) {
          for (let burst = 0; burst < 3; burst += 1) {
            const method = METHODS[(i + round + burst) % METHODS.length] as string
            requests += 1
            const wrong = await once(agent, `${cluster.origin}/${name}/`, method, name)
            if (wrong !== null) failures.push(`${method} ${name}: ${wrong}`)
          }
          await pause(1500 + ((i * 37 + round * 211) % 2500))
        }
        agent.destroy()
      }),
    )
    const cycles = slept()
    return {
      rows: [
        {
          metric: `${cycles} times asleep and awake, ${APPS} clients that keep their connection, methods with bodies: failed`,
          against: `${requests} requests, none is tried again`,
          figure: String(failures.length),
          bar: '0',
          reached: failures.length === 0 && cycles >= CYCLES,
        },
      ],
      data: { requests, cycles, failures },
    }
  } finally {
    await cluster.stop()
  }
}

/** One request on the agent's connection; what is wrong with its answer, or null. */
function once(agent: Agent, url: string, method: string, name: string): Promise<string | null> {
  const body = ['POST', 'PUT', 'PATCH'].includes(method) ? 'x'.repeat(2000) : ''
  const headers = body === '' ? {} : { 'content-length': body.length }
  return new Promise((resolve) => {
    const call = request(url, { agent, method, headers, timeout: 70_000 }, (response) => {
      let text = ''
      response.on('data', (chunk: Buffer) => {
        text += chunk
      })
      response.on('error', ({ message }) => resolve(message))
      response.on('end', () => {
        if (response.statusCode !== 200) return resolve(`${response.statusCode} ${text}`)
        if (method === 'HEAD') return resolve(null)
        const { app, bodyBytes } = JSON.parse(text) as { app: string; bodyBytes: number }
        resolve(app === name && bodyBytes === body.length ? null : `answered by ${text}`)
      })
    })
    call.on('timeout', () => call.destroy(new Error('no answer in 70 s')))
    call.on('error', ({ message }) => resolve(message))
    call.end(body)
  })
}
