import type { IncomingMessage, ServerResponse } from 'node:http'
import { expect, test } from 'vitest'
import type { Engine } from '../../adapters/docker.ts'
import { openEngine } from '../../adapters/docker-open.ts'
import { labLeftovers } from '../lab/leftovers.ts'
import { pretendEngine } from './pretended-engine.ts'

const PACE = { every: 100, rest: 100, limit: 400, misses: 2, unsure: 3, long: 100_000 }
const never = new AbortController().signal
const leftovers = labLeftovers()

/** An engine that can be made to hang: requests are taken, answers stay away. */
class Pretended {
  hangs = false
  /** paths of requests without an answer */
  readonly open: string[] = []
  readonly asked: string[] = []
  readonly #held: (() => void)[] = []

  handle = (request: IncomingMessage, response: ServerResponse): void => {
    const path = (request.url ?? '').replace(/\?.*/, '')
    this.asked.push(path)
    this.open.push(path)
    response.once('close', () => this.open.splice(this.open.indexOf(path), 1))
    const answer = (): void => {
      if (path === '/containers/slow/json' || path === '/containers/w/wait') return
      if (path === '/events' || path === '/images/create') return void response.write('{}\n')
      response.end(path === '/_ping' ? 'OK' : '[]')
    }
    if (this.hangs) this.#held.push(answer)
    else answer()
  }

  resume(): void {
    this.hangs = false
    for (const answer of this.#held.splice(0)) answer()
  }

  calls(path: string): number {
    return this.open.filter((open) => open.startsWith(path)).length
  }
}

async function start(pace = PACE): Promise<{ engine: Engine; there: Pretended }> {
  const there = new Pretended()
  const { url } = await pretendEngine(leftovers, there.handle)
  const engine = openEngine(url, { pace })
  leftovers.push(() => engine.close())
  return { engine, there }
}

const codeOf = (call: Promise<unknown>): Promise<unknown> =>
  call.then(
    () => 'answered',
    (error: { code?: string }) => error.code,
  )

const until = (test: () => boolean): Promise<void> => expect.poll(test).toBe(true)

test('calls to an engine that stops answering end together, and later ones are not even sent', async () => {
  const { engine, there } = await start()
  await engine.list()
  there.hangs = true
  const pending = Array.from({ length: 20 }, () => codeOf(engine.list()))
  await until(() => there.calls('/containers/json') >= PACE.unsure)
  const create = codeOf(engine.remove('x'))
  expect(there.open.filter((path) => path !== '/_ping').length).toBeLessThanOrEqual(PACE.unsure)
  expect(await Promise.all([...pending, create])).toEqual(Array(21).fill('unreachable'))
  const sent = there.asked.filter((path) => path !== '/_ping').length
  await expect(engine.list()).rejects.toThrow(/answers no pings: .*400 ms/)
  expect(there.asked.filter((path) => path !== '/_ping')).toHaveLength(sent)
  expect(sent).toBeLessThanOrEqual(1 + PACE.unsure)
})

test('an engine that is back is used again without anybody asking', async () => {
  const { engine, there } = await start()
  await engine.list()
  there.hangs = true
  expect(await codeOf(engine.list())).toBe('unreachable')
  there.resume()
  await expect.poll(() => codeOf(engine.list())).toBe('answered')
})

test('a slow engine that lives may take its time over one thing, and over a stream', async () => {
  const { engine, there } = await start()
  const slow = codeOf(engine.inspect('slow'))
  const stop = new AbortController()
  const waited = codeOf(engine.wait('w', stop.signal))
  const events = engine.events(1n, stop.signal)
  const read = codeOf(events.next())
  await until(() => there.asked.filter((path) => path === '/_ping').length > 5)
  expect(there.open).toContain('/events')
  expect(there.open).toContain('/containers/w/wait')
  stop.abort()
  expect(await Promise.all([waited, read])).toEqual(['aborted', 'aborted'])
  expect(await Promise.race([slow, Promise.resolve('still asking')])).toBe('still asking')
})

test('who comes behind slow calls is let go by a ping', async () => {
  const { engine, there } = await start({ ...PACE, every: 60_000, limit: 4_000 })
  const slow = Array.from({ length: PACE.unsure }, () => codeOf(engine.inspect('slow')))
  await until(() => there.calls('/containers/slow/json') === slow.length)
  expect(there.asked).not.toContain('/_ping')
  expect(await Promise.all(Array.from({ length: 12 }, () => codeOf(engine.list())))).toEqual(
    Array(12).fill('answered'),
  )
  expect(there.calls('/containers/slow/json')).toBe(slow.length)
})

test('streams and waits outlast a short silence and end in a long one', async () => {
  const { engine, there } = await start({ ...PACE, long: 5_000 })
  const read = codeOf(engine.events(1n, never).next())
  const pull = codeOf(engine.pull('x:1', () => {}, never))
  const wait = codeOf(engine.wait('w', never))
  await until(() => there.open.includes('/containers/w/wait') && there.open.length >= 3)
  there.hangs = true
  expect(await codeOf(engine.list())).toBe('unreachable')
  expect(there.open).toContain('/images/create')
  expect(there.open).toContain('/events')
  expect(await Promise.all([read, pull, wait])).toEqual(Array(3).fill('unreachable'))
})

test('pings asked for are one with those of the line, and fail with it', async () => {
  const { engine, there } = await start()
  expect(await codeOf(engine.ping())).toBe('answered')
  there.hangs = true
  const pings = Promise.all(Array.from({ length: 20 }, () => codeOf(engine.ping())))
  await until(() => there.calls('/_ping') > 0)
  expect(there.calls('/_ping')).toBe(1)
  expect(await pings).toEqual(Array(20).fill('unreachable'))
  there.resume()
  await expect.poll(() => codeOf(engine.ping())).toBe('answered')
})

test('who gives up while waiting for a turn is let go', async () => {
  const { engine, there } = await start({ ...PACE, misses: 1000 })
  await engine.list()
  there.hangs = true
  for (let each = 0; each < PACE.unsure; each++) void codeOf(engine.list())
  const stop = new AbortController()
  const queued = codeOf(engine.exec('x', ['true'], stop.signal))
  stop.abort()
  expect(await queued).toBe('aborted')
  expect(there.asked).not.toContain('/containers/x/exec')
})

test('who waits for a turn is not left behind when the engine is closed', async () => {
  const { engine, there } = await start({ ...PACE, every: 60_000, limit: 60_000 })
  await engine.list()
  there.hangs = true
  const pending = Array.from({ length: PACE.unsure + 1 }, () => codeOf(engine.list()))
  await until(() => there.asked.at(-1) === '/_ping')
  engine.close()
  await until(() => there.calls('/containers/json') === pending.length)
  there.resume()
  expect(await Promise.all(pending)).toEqual(Array(pending.length).fill('answered'))
})

test('a line at rest is left alone, until somebody calls', async () => {
  const { engine, there } = await start({ ...PACE, rest: 600_000 })
  await engine.list()
  const stop = new AbortController()
  const read = codeOf(engine.events(1n, stop.signal).next())
  await new Promise((resolve) => setTimeout(resolve, PACE.every * 5))
  expect(there.asked).not.toContain('/_ping')
  there.hangs = true
  expect(await codeOf(engine.list())).toBe('unreachable')
  expect(there.asked).toContain('/_ping')
  stop.abort()
  await read
})

test('a closed engine is pinged no more', async () => {
  const { engine, there } = await start()
  await engine.list()
  await until(() => there.asked.includes('/_ping'))
  engine.close()
  const pings = there.asked.length
  await new Promise((resolve) => setTimeout(resolve, PACE.every * 4))
  // one may have been under way
  expect(there.asked.length).toBeLessThanOrEqual(pings + 1)
})
