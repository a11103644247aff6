import { setTimeout as pause } from 'node:timers/promises'
import { createByHand } from './by-hand.ts'
import type { Fault } from './fault.ts'
import { failed, summary } from './load.ts'
import { leaderOf } from './member-status.ts'
import { RouteWatch } from './route-watch.ts'
import { endpointsOf, routesOf } from './subject.ts'
import { until } from './until.ts'
import { crowd, testApp, warm } from './warm.ts'

const APPS = crowd(20)
const RATE = 100
/** Milliseconds. */
const VISIBLE = 5_000
/** Of load before and after, milliseconds. */
const BEFORE = 3_000
const AFTER = 10_000

/** The leader of etcd is killed under load, and something new registers at that very moment. */
export const leaderKilled: Fault = {
  id: 'P05',
  title: 'etcd leader killed',
  run: async (stage) => {
    const { fleet, oracle, subject } = stage
    await warm(
      stage,
      APPS.map((name) => testApp(name)),
    )
    const [host] = fleet.hosts
    const leader = await leaderOf(fleet)
    if (!host || !leader) throw new Error('etcd has no leader, or the fleet no host')
    const late = await createByHand(host, 'late')
    const done = oracle.healthy(...APPS)
    const routes = new RouteWatch(subject, APPS)
    const load = oracle.load({ apps: APPS, rate: RATE })
    await pause(BEFORE)

    await leader.etcd.kill()
    const [election] = await Promise.all([
      until('another leader', 30_000, async () => (await leaderOf(fleet)) !== null),
      late.start(),
    ])
    const visible = await until('the new registration is routed', 60_000, async () => {
      const routed = [...(await routesOf(subject.gateways)).values()]
      return (await endpointsOf(fleet)).has('late/0') && routed.every((apps) => apps.has('late'))
    })
    await pause(AFTER)
    await leader.etcd.start()
    const shots = await load.stop()
    done()

    const violations = (await routes.stop()).map((words) => `P05: ${words}`)
    violations.push(...failed(shots).map((words) => `P05: ${words}`))
    if (visible > VISIBLE)
      violations.push(`P05: visible ${Math.round(visible)} ms after the election`)
    const figure = `${summary(shots)}, new leader after ${seconds(election)} s, registration visible ${seconds(visible)} s later`
    return { figure, violations }
  },
}

const seconds = (ms: number): string => (ms / 1000).toFixed(1)
