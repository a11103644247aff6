import { afterAll, beforeAll, expect, it } from 'vitest'
import { labEngine } from '../lab/engine.ts'
import { ask } from './client.ts'
import { type Cluster, startCluster } from './cluster.ts'
import { countStarts } from './starts.ts'

let cluster: Cluster
beforeAll(async () => {
  cluster = await startCluster()
})
afterAll(async () => {
  await cluster.stop()
})

it('1,000 clients on one cold app: one start, and every one is answered by it', async () => {
  await cluster.add({
    name: 'herd',
    image: 'reveille-test/app:1',
    env: { NAME: 'herd', START_DELAY_MS: '1000' },
  })
  const starts = await countStarts(labEngine().url, 'herd')
  const answers = await Promise.all(
    Array.from({ length: 1000 }, (_, i) => ask(cluster.origin, `/herd/${i}`)),
  )
  expect(answers.filter((answer) => answer.status !== 200)).toEqual([])
  expect(answers.map((answer) => JSON.parse(answer.text).url)).toEqual(
    answers.map((_, i) => `/${i}`),
  )
  expect(await starts.stop()).toBe(1)
})

it('more than may be held are told to come again, and the others are answered', async () => {
  await cluster.add({
    name: 'crowd',
    image: 'reveille-test/app:1',
    env: { START_DELAY_MS: '10000' },
  })
  const outcomes = await Promise.all(
    Array.from({ length: 2200 }, async () => {
      const answer = await ask(cluster.origin, '/crowd/')
      return answer.status === 503 && answer.headers['retry-after'] ? 'told' : answer.status
    }),
  )
  const count = (outcome: string | number): number =>
    outcomes.filter((one) => one === outcome).length
  expect(new Set(outcomes)).toEqual(new Set([200, 'told']))
  expect(count('told')).toBe(200)
  expect(count(200)).toBe(2000)
})
