import { setTimeout as pause } from 'node:timers/promises'
import { appContainers } from '../lab/containers.ts'
import type { Fault, Stage } from './fault.ts'
import { type Shot, summary } from './load.ts'
import { until } from './until.ts'
import { testApp, warm } from './warm.ts'

const RATE = 20
/** Milliseconds. */
const CUT = 60_000
const TTL = 10_000
const GRACE = 5_000
const ONE = 30_000

/** The host of a single-instance app is cut off from everybody for 60 s: the app moves, and its old copy is given up. */
export const hostPartition: Fault = {
  id: 'P12',
  title: 'host partition',
  run: async (stage) => {
    const { fleet, oracle } = stage
    const asked = performance.now()
    await warm(stage, [testApp('lone')])
    const start = performance.now() - asked
    const [first] = await copies(stage)
    if (!first) throw new Error('lone runs nowhere')
    const load = oracle.load({ apps: ['lone'], rate: RATE })

    const found = oracle.lost(first.host)
    const cut = performance.now()
    await fleet.partition(first.host)
    await pause(CUT)
    await fleet.heal()
    const healed = performance.now()
    await until('one copy is left', 120_000, async () => (await copies(stage)).length === 1)
    const one = performance.now() - healed
    found()
    const shots = await load.stop()

    const violations: string[] = []
    const moved = shots.filter((shot) => isFrom(shot, cut, first.id))
    const served = Math.min(...moved.map(({ ended }) => ended ?? Number.POSITIVE_INFINITY)) - cut
    if (served > TTL + start + GRACE)
      violations.push(`P12: served from another host after ${Math.round(served)} ms`)
    if (one > ONE) violations.push(`P12: one was left ${Math.round(one)} ms after the heal`)
    const figure = `${summary(shots)}, moved after ${seconds(served)} s (start ${seconds(start)} s), one running ${seconds(one)} s after the heal`
    return { figure, violations }
  },
}

/** Running containers of the app by their host names, asked of the engines themselves. */
async function copies({ fleet }: Stage): Promise<{ host: string; id: string }[]> {
  const lists = await Promise.all(
    fleet.hosts.map(async ({ name, docker }) => {
      const found = await appContainers(docker, { app: 'lone' })
      return found.map(({ hostId: id }) => ({ host: name, id }))
    }),
  )
  return lists.flat()
}

const isFrom = ({ began, seen }: Shot, cut: number, old: string): boolean =>
  began >= cut && seen !== null && !old.startsWith(seen.host)

const seconds = (ms: number): string => (ms / 1000).toFixed(1)
