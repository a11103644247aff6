import { readFile } from 'node:fs/promises'
import { setTimeout as pause } from 'node:timers/promises'
import { ask } from '../system/client.ts'
import { readRoutes } from './agreement.ts'
import type { Fault, Stage } from './fault.ts'
import { generationIn } from './gateway-watch.ts'
import { failed } from './load.ts'
import { until } from './until.ts'
import { testApp, warm } from './warm.ts'

const OPEN = 20
/** Milliseconds: of each request, and until the container has stopped at the latest. */
const TAKES = 15_000
const STOPPED = 32_000

/** Two apps with requests open are told to sleep; one of them is asked for while it drains. */
export const drainOnStop: Fault = {
  id: 'P03',
  title: 'drain on stop',
  run: async (stage) => {
    const { oracle } = stage
    await warm(stage, [testApp('left'), testApp('wanted')])
    const loads = ['left', 'wanted'].map((app) =>
      oracle.load({ apps: [app], path: `/sleep/${TAKES}`, rate: 1_000, count: OPEN }),
    )
    await until('all requests are at their apps', 10_000, async () => {
      const open = await Promise.all(['left', 'wanted'].map((app) => openAt(stage, app)))
      return open.every((count) => count === OPEN)
    })
    const asked = Date.now()
    const [launcher] = stage.fleet.launchers
    const slept = ['left', 'wanted'].map((app) => launcher?.api('POST', `/v1/apps/${app}/sleep`))
    const gone = await Promise.all(['left', 'wanted'].map((app) => routeGone(stage, app)))
    const during = await oracle.load({ apps: ['wanted'], rate: 100, count: 2 }).done()
    const open = (await Promise.all(loads.map((load) => load.done()))).flat()
    const answers = await Promise.all(slept)
    await until('left has ended', 60_000, () => ended(stage, 'left', 'die') !== null)

    const violations: string[] = []
    violations.push(...failed([...open, ...during]).map((words) => `P03: ${words}`))
    const termed = ended(stage, 'left', 'kill') ?? 0
    const lead = termed - (gone[0] ?? Number.POSITIVE_INFINITY)
    if (lead <= 0) violations.push(`P03: SIGTERM came ${-lead} ms before the route was gone`)
    const took = (ended(stage, 'left', 'die') ?? 0) - asked
    if (took > STOPPED) violations.push(`P03: the container stopped after ${took} ms`)
    for (const answer of answers)
      if (answer?.status !== 200) violations.push(`P03: the API said ${answer?.text}`)
    const good = open.filter(({ status }) => status === 200).length
    const figure = `${good}/${open.length} answered, route gone ${lead} ms before SIGTERM, stopped after ${(took / 1000).toFixed(1)} s`
    return { figure, violations }
  },
}

/** Requests that are open at an app, asked of its instance itself. */
async function openAt({ subject }: Stage, app: string): Promise<number> {
  const { endpoints } = await subject.picture()
  const { text } = await ask(`http://${endpoints.get(`${app}/0`)}`, '/open', { timeout: 2_000 })
  return JSON.parse(text).open
}

/** When an app's container got this event first, milliseconds since 1970; null if it did not. */
function ended({ oracle }: Stage, app: string, action: string): number | null {
  const event = oracle.events.find((each) => each.app === app && each.action === action)
  return event ? Number(event.at / 1_000_000n) : null
}

/** Waits until no gateway serves a route to the app; resolves with when that was, milliseconds since 1970. */
async function routeGone({ subject }: Stage, app: string): Promise<number> {
  const served = async ({ origin, file }: (typeof subject.gateways)[number]): Promise<boolean> => {
    const text = await readFile(file, 'utf8')
    if (readRoutes(text).has(app)) return true
    return (await ask(origin, '/_reveille/generation')).text.trim() !== generationIn(text)
  }
  for (;;) {
    const routes = await Promise.all(subject.gateways.map(served))
    if (!routes.includes(true)) return Date.now()
    await pause(20)
  }
}
