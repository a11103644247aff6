import { expect, it } from 'vitest'
import { Backoff } from '../../../launcher/wake/backoff.ts'

it('waits 1, 2, 4 ... 60 seconds, and says how long still', () => {
  const backoff = new Backoff()
  let now = 0
  const delays: number[] = []
  for (let i = 0; i < 8; i++) {
    delays.push(backoff.failed('a', 'exited with code 1', now))
    now += (delays.at(-1) as number) * 1000
  }
  expect(delays).toEqual([1, 2, 4, 8, 16, 32, 60, 60])
  expect(backoff.check('a', now - 1_500)).toEqual({ reason: 'exited with code 1', seconds: 2 })
  expect(backoff.check('a', now)).toBeNull()
  expect(backoff.check('b', 0)).toBeNull()
})

it('lets a crash loop start at most 8 times in 2 minutes', () => {
  const backoff = new Backoff()
  let starts = 0
  for (let now = 0; now < 120_000; now += 100) {
    if (backoff.check('a', now)) continue
    starts += 1
    backoff.failed('a', 'exited with code 1', now)
  }
  expect(starts).toBeLessThanOrEqual(8)
})

it('forgets failures after a good run, not after a short one', () => {
  const backoff = new Backoff()
  backoff.failed('a', 'exited', 0)
  backoff.ready('a', 1_000)
  backoff.gone('a', false, 3_000)
  expect(backoff.check('a', 3_000)).toEqual({
    reason: 'ended 2 s after it was ready',
    seconds: 2,
  })
  backoff.ready('a', 6_000)
  backoff.gone('a', false, 16_000)
  expect(backoff.check('a', 16_000)).toBeNull()
  expect(backoff.failed('a', 'exited', 16_000)).toBe(1)
})

it('takes a sleep for a good run, however short', () => {
  const backoff = new Backoff()
  backoff.failed('a', 'exited', 0)
  backoff.ready('a', 1_000)
  backoff.gone('a', true, 2_000)
  expect(backoff.failed('a', 'exited', 2_000)).toBe(1)
})

it('knows nothing of apps it did not see getting ready', () => {
  const backoff = new Backoff()
  backoff.gone('a', false, 0)
  expect(backoff.check('a', 0)).toBeNull()
})

it('remembers only so many apps', () => {
  const backoff = new Backoff(2)
  for (const app of ['a', 'b', 'c']) backoff.failed(app, 'exited', 0)
  expect(['a', 'b', 'c'].map((app) => backoff.check(app, 0) !== null)).toEqual([false, true, true])
})
