import { afterAll, beforeAll, expect, it } from 'vitest'
import { ask } from './client.ts'
import { type Cluster, startCluster } from './cluster.ts'

const APPS = 20
const CYCLES = 200
const METHODS = ['GET', 'POST', 'HEAD', 'PUT', 'DELETE']

let cluster: Cluster
beforeAll(async () => {
  cluster = await startCluster()
})
afterAll(async () => {
  await cluster.stop()
})

/** How many instances were put to sleep so far, by the registrar's own log. */
const slept = (): number => (cluster.log().match(/"msg":"slept"/g) ?? []).length

it('200 times asleep and awake again under load, on fresh connections: no request fails', async () => {
  const names = Array.from({ length: APPS }, (_, i) => `cycle-${i}`)
  for (const name of names)
    await cluster.add({
      name,
      image: 'reveille-test/app:1',
      env: { NAME: name },
      idleAfter: '1s',
      stopTimeout: '3s',
    })
  const failures: string[] = []
  let requests = 0
  const end = Date.now() + 240_000
  await Promise.all(
    names.map(async (name, i) => {
      // Bursts a little apart, then a pause around the idle time: requests meet every phase of going to sleep.
      for (let round = 0; slept() < CYCLES && Date.now() < end; round += 1) {
        for (let burst = 0; burst < 3; burst += 1) {
          const method = METHODS[(i + round + burst) % METHODS.length] as string
          const body = method === 'POST' || method === 'PUT' ? { body: `${name}-${round}` } : {}
          requests += 1
          const answer = await ask(cluster.origin, `/${name}/`, { method, ...body }).catch(String)
          if (typeof answer === 'string' || answer.status !== 200)
            failures.push(`${method} ${name}: ${typeof answer === 'string' ? answer : answer.text}`)
          else if (method !== 'HEAD' && JSON.parse(answer.text).app !== name)
            failures.push(`${name} was answered by ${answer.text}`)
        }
        await new Promise((resolve) => setTimeout(resolve, 800 + ((i * 37 + round * 211) % 3000)))
      }
    }),
  )
  expect(failures).toEqual([])
  expect(slept()).toBeGreaterThanOrEqual(CYCLES)
  expect(requests).toBeGreaterThan(CYCLES * 3)
}, 300_000)
