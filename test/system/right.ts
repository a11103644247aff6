import { setTimeout as pause } from 'node:timers/promises'
import { expect } from 'vitest'
import { ask, askUntil } from './client.ts'
import type { Cluster } from './cluster.ts'

/** Asks a running app every 50 ms on fresh connections until stopped; counts what failed. */
export function keepAsking(
  cluster: Cluster,
  path: string,
): { stop(): Promise<{ asked: number; failed: string[] }> } {
  const failed: string[] = []
  let asked = 0
  let stopped = false
  const loop = (async () => {
    while (!stopped && asked < 5000) {
      asked += 1
      const answer = await ask(cluster.origin, path, { timeout: 20_000 }).catch(String)
      if (typeof answer === 'string') failed.push(answer)
      else if (answer.status !== 200) failed.push(`${answer.status} ${answer.text.slice(0, 200)}`)
      await pause(50)
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

/** Within 10 s the running app `warm` answers, and a sleeping one wakes. */
export async function rightAgain(cluster: Cluster, app: string): Promise<void> {
  const [warm, woken] = await Promise.all(
    ['warm', app].map((name) =>
      askUntil(cluster.origin, `/${name}/`, (answer) => answer.status === 200, 10),
    ),
  )
  expect(warm?.status).toBe(200)
  expect(woken?.status).toBe(200)
}

/** The API is a part of the launcher, which may just be on its way back. */
export async function sleepOnceThere(cluster: Cluster, app: string): Promise<void> {
  const end = Date.now() + 10_000
  let answer = null
  while (answer?.status !== 200 && Date.now() < end) {
    answer = await cluster.api('POST', `/v1/apps/${app}/sleep`).catch(() => null)
    if (answer?.status !== 200) await pause(100)
  }
  expect(answer?.status).toBe(200)
}
