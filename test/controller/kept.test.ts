import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { Kept, type Text } from '../../controller/kept.ts'

let written: string[]
let isFull: boolean
let failures: string[]
/** milliseconds that a write takes */
let took: number
let kept: Kept

beforeEach(() => {
  vi.useFakeTimers()
  written = []
  failures = []
  isFull = false
  took = 100
  const file = {
    read: async () => null,
    propose: async (text: Text) => {
      await new Promise((resolve) => setTimeout(resolve, took))
      if (isFull) throw new Error('no space')
      written.push(typeof text === 'string' ? text : Array.from(text).join(''))
      return text
    },
    adopt: async () => {},
    settle: async () => {},
  }
  kept = new Kept(file, ({ message }) => failures.push(message))
})
afterEach(() => vi.useRealTimers())

it('writes at once after a quiet spell, then of several in a row the last one', async () => {
  for (const text of ['a', 'b', 'c']) kept.keep(() => text)
  await vi.advanceTimersByTimeAsync(150)
  expect(written).toEqual(['a'])
  await vi.advanceTimersByTimeAsync(2_200)
  expect(written).toEqual(['a', 'c'])
  await vi.advanceTimersByTimeAsync(60_000)
  expect(written).toEqual(['a', 'c'])
})

it('writes a short text no more than once a second', async () => {
  took = 1
  for (let i = 0; i < 600; i += 1) {
    kept.keep(() => String(i))
    await vi.advanceTimersByTimeAsync(10)
  }
  expect(written).toHaveLength(6)
})

it('takes no more than a twentieth of the time for it', async () => {
  for (let i = 0; i < 600; i += 1) {
    kept.keep(() => ['long ', String(i)])
    await vi.advanceTimersByTimeAsync(100)
  }
  expect(written[0]).toBe('long 0')
  expect(written.length).toBeGreaterThan(20)
  expect(written.length).toBeLessThan(32)
})

it('waits for no rest where somebody needs it, or ends', async () => {
  kept.keep(() => 'a')
  kept.keep(() => 'b')
  const tried = kept.tried()
  await vi.advanceTimersByTimeAsync(250)
  await tried
  expect(written).toEqual(['a', 'b'])
  kept.keep(() => 'c')
  const stopped = kept.stop()
  await vi.advanceTimersByTimeAsync(150)
  await stopped
  expect(written).toEqual(['a', 'b', 'c'])
})

it('tells a failure once, and writes the last text as soon as there is room', async () => {
  isFull = true
  kept.keep(() => 'a')
  await vi.advanceTimersByTimeAsync(50)
  kept.keep(() => 'b')
  await vi.advanceTimersByTimeAsync(60_000)
  expect([failures, written]).toEqual([['no space'], []])
  isFull = false
  await vi.advanceTimersByTimeAsync(1_200)
  expect(written).toEqual(['b'])
  isFull = true
  kept.keep(() => 'c')
  await vi.advanceTimersByTimeAsync(2_200)
  expect(failures).toEqual(['no space', 'no space'])
})

it('tries no more once it was stopped', async () => {
  isFull = true
  kept.keep(() => 'a')
  const stopped = kept.stop()
  await vi.advanceTimersByTimeAsync(200)
  await stopped
  isFull = false
  await vi.advanceTimersByTimeAsync(10_000)
  expect(written).toEqual([])
})
