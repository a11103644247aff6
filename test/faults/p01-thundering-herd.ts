import { APP_IMAGE } from '../lab/image.ts'
import type { Fault, Stage } from './fault.ts'
import { failed, type Shot, summary } from './load.ts'
import { starts } from './starts.ts'
import { metric } from './subject.ts'

const CLIENTS = 1_000
/** Milliseconds. */
const WITHIN = 100
const AFTER_READY = 1_000
const LOOP = 200

/** So often it is tried where the machine stood still meanwhile: for nobody did any program run then. */
const TRIES = 3

/** 1,000 clients ask for a cold app within 100 ms: one start, and all are answered as soon as it is ready. */
export const thunderingHerd: Fault = {
  id: 'P01',
  title: 'thundering herd',
  run: async (stage) => {
    for (let round = 1; ; round++) {
      const app = round === 1 ? 'shop' : `shop-${round}`
      const { figure, wrong, late, stoodStill } = await once(app, stage)
      const isVoid = wrong.length === 0 && late.length > 0 && stoodStill
      if (!isVoid || round === TRIES) return { figure, violations: [...wrong, ...late] }
    }
  },
}

/** One herd, and whether programs that have no part in it were held up for as long as no launcher may be. */
async function once(app: string, { fleet, oracle }: Stage) {
  await fleet.add({ name: app, image: APP_IMAGE, env: { NAME: app, START_DELAY_MS: '3000' } })
  const launchers = fleet.launchers.map(({ origin }) => origin)
  const bystanders = fleet.hosts.map(({ address }) => `http://${address}:8093`)
  // The longest since the last look is told: from here on.
  await longestBlocks([...launchers, ...bystanders])
  const shots = await oracle.herd(app, CLIENTS)
  const blocked = Math.max(...(await longestBlocks(launchers)))
  const stoodStill = Math.min(...(await longestBlocks(bystanders))) > LOOP
  const spread = (shots.at(-1)?.began ?? 0) - (shots[0]?.began ?? 0)
  const good = shots.filter(({ status }) => status === 200)
  const ready = Math.max(...good.map(({ seen }) => seen?.listening ?? 0))
  const last = Math.max(...good.map((shot) => endedAt(shot))) - ready
  const started = starts(oracle.events, app)

  const wrong = failed(shots).map((words) => `P01: ${words}`)
  if (started !== 1) wrong.push(`P01: ${started} starts`)
  const late: string[] = []
  if (!(last <= AFTER_READY))
    late.push(`P01: the last answer came ${Math.round(last)} ms after the app was ready`)
  if (blocked > LOOP) late.push(`P01: a launcher did nothing for ${Math.round(blocked)} ms`)
  if (spread > WITHIN) late.push(`P01: the client needed ${Math.round(spread)} ms to send: no herd`)
  const figure = `${started} start, ${summary(shots)}, last ${Math.round(last)} ms after ready, loop <= ${Math.round(blocked)} ms`
  return { figure, wrong, late, stoodStill }
}

/** How long the event loop of each did not turn, milliseconds. */
async function longestBlocks(origins: readonly string[]): Promise<number[]> {
  const lags = origins.map((origin) => metric(origin, 'nodejs_eventloop_lag_max_seconds'))
  return (await Promise.all(lags)).map((seconds) => seconds * 1000)
}

/** By the wall clock, milliseconds. */
const endedAt = ({ ended }: Shot): number => performance.timeOrigin + (ended ?? 0)
