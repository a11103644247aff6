import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import type { EngineEvent } from '../../model/container.ts'
import { Follower } from '../../registrar/follower.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

/** An engine that answers every question; `hold` milliseconds pass until it breaks the stream of events. */
function brokenEngine(hold: number, listing = 0) {
  const pause = (milliseconds: number) =>
    new Promise<void>((resolve) => setTimeout(resolve, milliseconds))
  let lists = 0
  return {
    lists: () => lists,
    time: async () => 1n,
    ping: async () => {},
    list: async () => {
      lists++
      if (listing > 0) await pause(listing)
      return []
    },
    async *events(): AsyncGenerator<EngineEvent> {
      yield { action: 'create', id: 'c1', labels: {}, time: 1n }
      await pause(hold)
      throw new Error('broken')
    },
  }
}

async function follow(engine: ReturnType<typeof brokenEngine>, milliseconds: number) {
  const told: (boolean | 'list')[] = []
  const ending = new AbortController()
  const follower = new Follower(engine, {
    onList: async () => void told.push('list'),
    onEvent: () => {},
    onChange: (up) => void told.push(up),
  })
  const running = follower.run(ending.signal)
  await vi.advanceTimersByTimeAsync(milliseconds)
  ending.abort()
  await vi.advanceTimersByTimeAsync(10_000)
  await running
  return told
}

test('an engine that answers and breaks every stream is asked less and less often', async () => {
  const engine = brokenEngine(1)
  await follow(engine, 10_000)
  expect(engine.lists()).toBeLessThan(20)
})

test('a stream that held for a while is followed again at once', async () => {
  const engine = brokenEngine(6_000)
  await follow(engine, 61_000)
  expect(engine.lists()).toBeGreaterThan(10)
})

test('a list that comes after its connection broke is not taken', async () => {
  const told = await follow(brokenEngine(1, 500), 3_000)
  expect(told).not.toContain('list')
  expect(told).not.toContain(true)
})
