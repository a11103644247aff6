import { setTimeout as pause } from 'node:timers/promises'
import { ask } from '../system/client.ts'
import type { Fault, Stage } from './fault.ts'
import { failed, summary } from './load.ts'
import { RouteWatch } from './route-watch.ts'
import { reloadsOf } from './subject.ts'
import { until } from './until.ts'
import { crowd, testApp, warm } from './warm.ts'

const APPS = crowd(20)
const RATE = 100
/** Seconds. */
const LOST = 120
/** Milliseconds. */
const DEGRADED = 10_000
const SETTLED = 10_000
const RELOADS = 3

/** Two of three members are cut off for 120 s: what runs does not notice, what sleeps is told to come again. */
export const quorumLost: Fault = {
  id: 'P06',
  title: 'quorum lost 120 s',
  run: async (stage) => {
    const { fleet, oracle, subject } = stage
    await warm(
      stage,
      APPS.map((name) => testApp(name)),
    )
    await fleet.add(testApp('cold'))
    const before = await reloadsOf(fleet)
    const done = oracle.healthy(...APPS)
    const routes = new RouteWatch(subject, APPS)

    await Promise.all(['e2', 'e3'].map((member) => fleet.partition(member)))
    const began = performance.now()
    const load = oracle.load({ apps: APPS, rate: RATE, count: RATE * LOST })
    const degraded = await until('all say that they are degraded', 60_000, async () =>
      (await health(stage)).every((status) => status === 503),
    )
    const cold = oracle.load({ apps: ['cold'], rate: 1, count: 2 })
    await pause(LOST * 1000 - (performance.now() - began))
    const shots = await load.done()
    await fleet.heal()
    done()
    const right = await oracle.settled(SETTLED)
    const lost = await routes.stop()
    const reloaded = Math.max(
      ...(await reloadsOf(fleet)).map((count, i) => count - (before[i] ?? 0)),
    )

    const violations = lost.map((words) => `P06: ${words}`)
    violations.push(...failed(shots).map((words) => `P06: ${words}`))
    if (shots.length < RATE * LOST) violations.push(`P06: only ${shots.length} requests`)
    if (degraded > DEGRADED) violations.push(`P06: health said so after ${Math.round(degraded)} ms`)
    for (const { status, retryAfter } of await cold.done())
      if (status !== 503 || !(Number(retryAfter) >= 1 && Number(retryAfter) <= 60))
        violations.push(`P06: a cold request got ${status}, Retry-After ${retryAfter}`)
    if (reloaded > RELOADS) violations.push(`P06: ${reloaded} reloads`)
    const figure = `${summary(shots)}, degraded after ${(degraded / 1000).toFixed(1)} s, right ${(right / 1000).toFixed(1)} s after the heal, ${reloaded} reloads`
    return { figure, violations }
  },
}

/** What launchers and controllers say of themselves. */
function health({ fleet }: Stage): Promise<number[]> {
  const origins = [
    ...fleet.launchers.map(({ origin }) => origin),
    ...fleet.gateways.map(({ address }) => `http://${address}:8092`),
  ]
  return Promise.all(
    origins.map(async (origin) => (await ask(origin, '/healthz', { timeout: 2_000 })).status),
  )
}
