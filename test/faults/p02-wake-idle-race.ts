import { setTimeout as pause } from 'node:timers/promises'
import type { Fault, Stage } from './fault.ts'
import { failed, type Shot, summary } from './load.ts'
import { ends, mostRunning, starts } from './starts.ts'
import { until } from './until.ts'
import { testApp } from './warm.ts'

/** They take turns in their own time, so that 200 cycles do not take an hour. */
const APPS = Array.from({ length: 16 }, (_, index) => `nap-${index + 1}`)
const CYCLES = 200
const REQUESTS = 5_000
const RATE = 50
/** Milliseconds. */
const PATIENCE = 300_000

/** Requests come at random while apps fall asleep and wake: none is lost, nothing runs twice, everything stops again. */
export const wakeIdleRace: Fault = {
  id: 'P02',
  title: 'wake/idle race',
  run: async ({ fleet, oracle, subject }) => {
    for (const name of APPS) await fleet.add(testApp(name, { idleAfter: '2s' }))
    const shots: Shot[] = []
    const began = performance.now()
    const cycles = (): number => APPS.reduce((sum, name) => sum + ends(oracle.events, name), 0)
    const goesOn = (): boolean =>
      (cycles() < CYCLES || shots.length < REQUESTS) && performance.now() - began < PATIENCE
    await Promise.all(
      APPS.map(async (name) => {
        while (goesOn()) shots.push(...(await burst({ fleet, oracle, subject }, name)))
      }),
    )
    await until(
      'all apps sleep',
      60_000,
      async () => (await subject.picture()).containers.length === 0,
    )

    const violations: string[] = []
    violations.push(...failed(shots).map((words) => `P02: ${words}`))
    if (shots.length < REQUESTS) violations.push(`P02: only ${shots.length} requests`)
    const stopped = cycles()
    if (stopped < CYCLES) violations.push(`P02: only ${stopped} cycles`)
    let started = 0
    for (const name of APPS) {
      const [up, down] = [starts(oracle.events, name), ends(oracle.events, name)]
      started += up
      if (Math.abs(up - down) > 1) violations.push(`P02: ${name}: ${up} starts and ${down} stops`)
      const most = mostRunning(oracle.events, name)
      if (most > 1) violations.push(`P02: ${most} instances of ${name} ran at once`)
    }
    const figure = `${summary(shots)}, ${started} starts, ${stopped} stops`
    return { figure, violations }
  },
}

/** A third of a second or so of requests, then a pause of about the idle time: the next one meets the app falling asleep. */
async function burst({ oracle }: Stage, app: string): Promise<Shot[]> {
  const seconds = 0.1 + Math.random() * 0.5
  const shots = await oracle.load({ apps: [app], rate: RATE, arrival: 'poisson', seconds }).done()
  await pause(1_000 + Math.random() * 3_000)
  return shots
}
