import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { type FollowedEngine, Follower } from '../../adapters/docker-follow.ts'
import type { Container, EngineEvent } from '../../model/container.ts'

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

async function follow(engine: FollowedEngine, milliseconds: number) {
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

const container = (id: string, state: Container['state']): Container => ({
  ...{ id, name: id, labels: {}, state, exitCode: 0, error: '', health: 'none' },
  ...{ published: {}, pid: 0, image: 'i' },
})

/** An engine whose containers change every 7 s; of its streams only those from `speaking` on tell of it. */
function quietEngine(speaking: number, late = 0) {
  const listeners = new Set<(event: EngineEvent) => void>()
  let streams = 0
  let state: Container['state'] = 'running'
  const turn = setInterval(() => {
    state = state === 'running' ? 'exited' : 'running'
    const action = state === 'running' ? 'start' : 'die'
    const event = { ...{ id: 'c1', labels: {}, time: 1n, exitCode: 0 }, action } as EngineEvent
    setTimeout(() => {
      for (const tell of listeners) tell(event)
    }, late)
  }, 7_000)
  return {
    streams: () => streams,
    end: () => clearInterval(turn),
    time: async () => 1n,
    ping: async () => {},
    list: async () => [container('c1', state)],
    async *events(_since: bigint, signal: AbortSignal): AsyncGenerator<EngineEvent> {
      const speaks = ++streams >= speaking
      const heard: EngineEvent[] = []
      let wake = (): void => {}
      const listen = (event: EngineEvent): void => {
        heard.push(event)
        wake()
      }
      if (speaks) listeners.add(listen)
      signal.addEventListener('abort', () => wake())
      while (!signal.aborted) {
        yield* heard.splice(0)
        await new Promise<void>((resolve) => {
          wake = resolve
        })
      }
      listeners.delete(listen)
    },
  }
}

test('a stream that is silent while lists change is given up for another', async () => {
  const engine = quietEngine(3)
  const told = await follow(engine, 60_000)
  engine.end()
  expect(engine.streams()).toBe(3)
  expect(told.filter((up) => up === false)).toHaveLength(2)
})

test('events that come a moment after the list that shows it are no silence', async () => {
  const engine = quietEngine(1, 900)
  await follow(engine, 120_000)
  engine.end()
  expect(engine.streams()).toBe(1)
})

test('after 100 breaks it is followed as before', async () => {
  const engine = brokenEngine(1)
  const told = await follow(engine, 120_000)
  expect(told.filter((up) => up === false).length).toBeGreaterThan(100)
  expect(told.lastIndexOf('list')).toBeGreaterThan(told.length - 4)
})
