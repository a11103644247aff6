import { createHash } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { liveTable } from '../lab/gateway-text.ts'
import type { Fault, Stage } from './fault.ts'
import { failed, summary } from './load.ts'
import type { Subject } from './oracle.ts'
import { Registrations } from './registrations.ts'
import { routesOf } from './subject.ts'
import { until } from './until.ts'
import { testApp, warm } from './warm.ts'

const RATE = 50
const CHANGES = Array.from({ length: 20 }, (_, index) => `new-${index + 1}`)
/** Milliseconds between two changes, and of load after them, in which they are tried again and again. */
const GAP = 100
const AFTER = 4_000
/** Milliseconds in which what was changed meanwhile is on disk, once there is room. */
const CAUGHT_UP = 10_000

/** No gateway has room to write what changes: what is there stays whole, and nobody notices. */
export const diskFull: Fault = {
  id: 'P17',
  title: 'disk full',
  run: async (stage) => {
    const { fleet, oracle, subject } = stage
    await warm(stage, [testApp('shop')])
    await oracle.settled()
    await until(
      'nothing is written',
      10_000,
      async () => !/\.(?:candidate|previous)/.test(await onDisk(subject)),
    )
    const done = oracle.healthy('shop')
    const load = oracle.load({ apps: ['shop'], rate: RATE })
    const registrations = await Registrations.open(fleet)
    const violations: string[] = []
    try {
      await Promise.all(fleet.gateways.map((gateway) => gateway.fillDisk()))
      const before = await onDisk(subject)
      for (const app of CHANGES) {
        await registrations.put(app)
        await pause(GAP)
      }
      if (subject.mode === 'live') violations.push(...(await unheard(stage)))
      await pause(AFTER)
      const after = await onDisk(subject)
      if (after !== before) violations.push(`${after} is on disk, ${before} was`)

      await Promise.all(fleet.gateways.map((gateway) => gateway.freeDisk()))
      const caught = await until('what changed is on disk', 60_000, async () => {
        const routed = [...(await routesOf(subject.gateways)).values()]
        return routed.every((apps) => CHANGES.every((app) => apps.has(app)))
      })
      if (caught > CAUGHT_UP) violations.push(`caught up after ${Math.round(caught)} ms`)
      violations.push(...(await unanswered(stage)))
      await registrations.close()
      await oracle.settled()
      const shots = await load.stop()
      violations.push(...failed(shots))
      const figure = `${summary(shots)}, caught up ${(caught / 1000).toFixed(1)} s after there was room`
      return { figure, violations: violations.map((words) => `P17: ${words}`) }
    } finally {
      done()
      await load.stop()
      await Promise.all(fleet.gateways.map((gateway) => gateway.freeDisk()))
      await registrations.close()
    }
  },
}

/** The files of all gateways and what is in those that say who runs where, as one text. */
async function onDisk({ gateways }: Subject): Promise<string> {
  const texts = gateways.map(async ({ name, file }) => {
    const files = [file, (await liveTable(file))?.file ?? file]
    const hash = createHash('sha256')
    for (const each of files) hash.update(await readFile(each))
    const folders = [...new Set(files.map(dirname))]
    const names = (await Promise.all(folders.map((folder) => readdir(folder)))).flat()
    return `${name}: ${names.sort().join(' ')} ${hash.digest('hex').slice(0, 12)}`
  })
  return (await Promise.all(texts)).join('; ')
}

/** What live gateways do not have in their memory, while what is on disk cannot say so. */
async function unheard(stage: Stage): Promise<string[]> {
  const { behind } = await stage.subject.picture()
  const deaf = stage.subject.gateways.filter(({ name }) => !behind.includes(name))
  return [...deaf.map(({ name }) => `${name} waits for its disk`), ...(await unanswered(stage))]
}

/** Which of the changes no request can use, through which gateway. */
async function unanswered({ oracle, subject }: Stage): Promise<string[]> {
  const loads = subject.gateways.map(({ origin }) =>
    oracle.load({ origins: [origin], apps: CHANGES, rate: 200, count: CHANGES.length }).done(),
  )
  return failed((await Promise.all(loads)).flat())
}
