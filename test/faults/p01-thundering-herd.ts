import { APP_IMAGE } from '../lab/image.ts'
import type { Fault } from './fault.ts'
import { failed, type Shot, summary } from './load.ts'
import { starts } from './starts.ts'
import { metric } from './subject.ts'

const CLIENTS = 1_000
/** Milliseconds. */
const WITHIN = 100
const AFTER_READY = 1_000
const LOOP = 200

/** 1,000 clients ask for a cold app within 100 ms: one start, and all are answered as soon as it is ready. */
export const thunderingHerd: Fault = {
  id: 'P01',
  title: 'thundering herd',
  run: async ({ fleet, oracle }) => {
    await fleet.add({
      name: 'shop',
      image: APP_IMAGE,
      env: { NAME: 'shop', START_DELAY_MS: '3000' },
    })
    const longestBlock = async (): Promise<number> => {
      const lags = fleet.launchers.map(({ origin }) =>
        metric(origin, 'nodejs_eventloop_lag_max_seconds'),
      )
      return Math.max(...(await Promise.all(lags))) * 1000
    }
    // The longest since the last look is told: from here on.
    await longestBlock()
    const shots = await oracle.herd('shop', CLIENTS)
    const blocked = await longestBlock()
    const spread = (shots.at(-1)?.began ?? 0) - (shots[0]?.began ?? 0)
    const good = shots.filter(({ status }) => status === 200)
    const ready = Math.max(...good.map(({ seen }) => seen?.listening ?? 0))
    const last = Math.max(...good.map((shot) => endedAt(shot))) - ready
    const started = starts(oracle.events, 'shop')

    const violations: string[] = []
    if (started !== 1) violations.push(`P01: ${started} starts`)
    violations.push(...failed(shots).map((words) => `P01: ${words}`))
    if (!(last <= AFTER_READY))
      violations.push(`P01: the last answer came ${Math.round(last)} ms after the app was ready`)
    if (blocked > LOOP) violations.push(`P01: a launcher did nothing for ${Math.round(blocked)} ms`)
    if (spread > WITHIN)
      violations.push(`P01: the client needed ${Math.round(spread)} ms to send: no herd`)
    const figure = `${started} start, ${summary(shots)}, last ${Math.round(last)} ms after ready, loop <= ${Math.round(blocked)} ms`
    return { figure, violations }
  },
}

/** By the wall clock, milliseconds. */
const endedAt = ({ ended }: Shot): number => performance.timeOrigin + (ended ?? 0)
