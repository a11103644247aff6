import { getEventListeners } from 'node:events'
import { expect, test } from 'vitest'
import { Commands } from '../../registrar/commands.ts'

const never = new AbortController().signal

/** Commands that end when told to. */
function hanging() {
  const ends: ((code: number) => void)[] = []
  const commands = new Commands(
    (_, __, signal) =>
      new Promise((resolve, reject) => {
        ends.push(resolve)
        signal.addEventListener('abort', () => reject(new Error('aborted')))
      }),
  )
  return { ends, commands }
}

test('an exit code is an answer, and a command that cannot be run is none', async () => {
  for (const [code, answer] of [
    [0, true],
    [1, false],
  ] as const)
    expect(await new Commands(async () => code).ask('c1', ['x'], 1_000, never)).toBe(answer)
  const failing = new Commands(() => Promise.reject(new Error('the engine is away')))
  expect(await failing.ask('c1', ['x'], 1_000, never)).toBeNull()
})

test('nothing of a question stays at the signal that it came with', async () => {
  const { signal } = new AbortController()
  expect(await new Commands(async () => 0).ask('c1', ['x'], 1, signal)).toBe(true)
  await expect.poll(() => getEventListeners(signal, 'abort')).toEqual([])
  // what AbortSignal.any joins to it is kept here
  expect(Object.getOwnPropertySymbols(signal).map(String)).not.toContain(
    'Symbol(kDependantSignals)',
  )
})

test('a command that hangs is a no, and no other is begun in that container until it ends', async () => {
  const { ends, commands } = hanging()
  expect(await commands.ask('c1', ['x'], 20, never)).toBe(false)
  expect(await commands.ask('c1', ['x'], 20, never)).toBe(false)
  expect(ends).toHaveLength(1)
  expect(await commands.ask('c2', ['x'], 20, never)).toBe(false)
  expect(ends).toHaveLength(2)
  const next = commands.ask('c1', ['x'], 10_000, never)
  ends[0]?.(1)
  await expect.poll(() => ends.length).toBe(3)
  ends[2]?.(0)
  expect(await next).toBe(true)
})

test('who no longer wants to know gets no answer, and the end ends all', async () => {
  const { ends, commands } = hanging()
  const leaving = new AbortController()
  const asked = commands.ask('c1', ['x'], 60_000, leaving.signal)
  leaving.abort()
  expect(await asked).toBeNull()
  commands.stop()
  const next = commands.ask('c1', ['x'], 60_000, never)
  await expect.poll(() => ends.length).toBe(2)
  ends[1]?.(0)
  expect(await next).toBe(true)
})
