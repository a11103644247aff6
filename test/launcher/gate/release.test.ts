import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { Release } from '../../../launcher/gate/release.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

/** Asks for so many turns and tells in which order they come. */
function ask(release: Release, app: string, count: number): number[] {
  const gone: number[] = []
  for (let each = 0; each < count; each++) void release.turn(app).then(() => gone.push(each))
  return gone
}

test('a crowd goes in waves, in the order it came, and the first one at once', async () => {
  const release = new Release()
  const gone = ask(release, 'shop', 200)
  await vi.advanceTimersByTimeAsync(0)
  expect(gone).toHaveLength(128)
  await vi.advanceTimersByTimeAsync(10)
  expect(gone).toHaveLength(152)
  await vi.advanceTimersByTimeAsync(20)
  expect(gone).toEqual(Array.from({ length: 200 }, (_, each) => each))
})

test('apps do not wait for each other, and who comes in the middle of a crowd goes behind it', async () => {
  const release = new Release()
  ask(release, 'shop', 140)
  expect(ask(release, 'other', 1)).toEqual([])
  const late = ask(release, 'shop', 1)
  await vi.advanceTimersByTimeAsync(9)
  expect(late).toEqual([])
  await vi.advanceTimersByTimeAsync(1)
  expect(late).toEqual([0])
})

test('nothing is kept of an app that nobody asks for any more', async () => {
  const release = new Release()
  ask(release, 'shop', 129)
  await vi.advanceTimersByTimeAsync(30)
  expect(vi.getTimerCount()).toBe(0)
})
