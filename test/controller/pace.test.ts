import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { type Outcome, Pace } from '../../controller/pace.ts'

let runs: number[]
let outcome: Outcome
let pace: Pace

beforeEach(() => {
  vi.useFakeTimers()
  runs = []
  outcome = 'done'
  pace = new Pace(async () => {
    runs.push(performance.now())
    await new Promise((resolve) => setTimeout(resolve, 100))
    return outcome
  })
})
afterEach(() => vi.useRealTimers())

const gaps = () => runs.slice(1).map((at, i) => Math.round(at - (runs[i] as number)))

describe('Pace', () => {
  it('runs the first change at once and folds a burst into one more run', async () => {
    for (let i = 0; i < 50; i++) {
      pace.trigger()
      await vi.advanceTimersByTimeAsync(10)
    }
    expect(runs).toHaveLength(1)
    await vi.advanceTimersByTimeAsync(5000)
    expect(gaps()).toEqual([1100])
  })

  it('keeps at most one run a second while changes come', async () => {
    for (let i = 0; i < 1000; i++) {
      pace.trigger()
      await vi.advanceTimersByTimeAsync(10)
    }
    expect(runs.length).toBeGreaterThanOrEqual(9)
    expect(Math.min(...gaps())).toBeGreaterThanOrEqual(1000)
  })

  it('lets three urgent changes in a row break the rest, and more after a quiet spell', async () => {
    const burst = async () => {
      pace.trigger()
      await vi.advanceTimersByTimeAsync(150)
      for (let i = 0; i < 4; i++) {
        pace.trigger()
        pace.trigger({ urgent: true })
        await vi.advanceTimersByTimeAsync(150)
      }
      await vi.advanceTimersByTimeAsync(1500)
    }
    await burst()
    expect(gaps()).toEqual([150, 150, 150, 1100])
    pace.trigger({ urgent: true })
    await vi.advanceTimersByTimeAsync(150)
    pace.trigger({ urgent: true })
    await vi.advanceTimersByTimeAsync(5000)
    expect(gaps().at(-1)).toBe(1100)
    await burst()
    expect(gaps().slice(-4)).toEqual([150, 150, 150, 1100])
  })

  it('does not let urgent changes make more than one run a second in the long run', async () => {
    for (let i = 0; i < 1000; i++) {
      pace.trigger({ urgent: true })
      await vi.advanceTimersByTimeAsync(10)
    }
    expect(runs.length).toBeLessThanOrEqual(13)
  })

  it('does not rest after a run that had nothing to do', async () => {
    outcome = 'nothing'
    pace.trigger()
    await vi.advanceTimersByTimeAsync(150)
    pace.trigger()
    expect(gaps()).toEqual([150])
  })

  it('tries a failed run again by itself, each time later, for ever', async () => {
    outcome = 'failed'
    pace.trigger()
    await vi.advanceTimersByTimeAsync(13_000)
    expect(gaps()).toEqual([1100, 2100, 3100, 3100, 3100])
    outcome = 'done'
    await vi.advanceTimersByTimeAsync(10_000)
    expect(runs).toHaveLength(7)
  })

  it('tries a failed run again no sooner where the rest is short', async () => {
    outcome = 'failed'
    pace = new Pace(
      async () => {
        runs.push(performance.now())
        return outcome
      },
      { rest: 20 },
    )
    pace.trigger()
    await vi.advanceTimersByTimeAsync(3_500)
    expect(gaps()).toEqual([1000, 2000])
    outcome = 'done'
    await vi.advanceTimersByTimeAsync(3_000)
    pace.trigger()
    pace.trigger()
    await vi.advanceTimersByTimeAsync(5)
    pace.trigger()
    await vi.advanceTimersByTimeAsync(1_000)
    expect(gaps().at(-1)).toBe(20)
  })

  it('never runs twice at once, nor after it was stopped', async () => {
    pace.trigger()
    pace.trigger()
    const stopped = pace.stop()
    await vi.advanceTimersByTimeAsync(5000)
    await stopped
    pace.trigger()
    await vi.advanceTimersByTimeAsync(5000)
    expect(runs).toHaveLength(1)
  })
})
