import { EventEmitter } from 'node:events'
import type { ServerResponse } from 'node:http'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { readAsk } from '../../../launcher/gate/request.ts'
import { type Answer, waitFor } from '../../../launcher/gate/wait.ts'
import { App } from '../../../model/app.ts'

const app = App.parse({ name: 'shop', image: 'shop:1' })
const endpoint = { host: '10.9.0.1', port: 80 }
let ready: () => void

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

/** Waits as for a request with these headers; gives back what came of it within `ms`, undefined if nothing did. */
async function answerWithin(ms: number, headers: Record<string, string>) {
  const ask = readAsk({ 'x-reveille-app': 'shop', 'x-reveille-method': 'GET', ...headers })
  const client = new EventEmitter() as unknown as ServerResponse
  let answer: Answer | undefined
  const waited = waitFor(app, ask, client, new AbortController().signal, {
    wake: () =>
      new Promise((resolve) => {
        ready = () => resolve(endpoint)
      }),
    progress: () => null,
    holdTimeout: 60,
    pageAfter: 1_000,
  })
  void waited.then((settled) => {
    answer = settled
  })
  await vi.advanceTimersByTimeAsync(ms)
  return answer
}

const html = { 'x-reveille-accept': 'text/html' }
const held = (slice: number, rounds: number) => ({
  'x-reveille-slice': String(slice),
  'x-reveille-round': '.'.repeat(rounds),
})

describe('a question that is held', () => {
  it('is answered by "again" after each slice, where the gateway wants that', async () => {
    expect(await answerWithin(7_999, held(8, 0))).toBeUndefined()
    expect(await answerWithin(8_000, held(8, 0))).toEqual({ is: 'again' })
    expect(await answerWithin(8_000, held(8, 6))).toEqual({ is: 'again' })
  })

  it('ends after the hold timeout over all slices', async () => {
    expect(await answerWithin(3_999, held(8, 7))).toBeUndefined()
    expect(await answerWithin(4_000, held(8, 7))).toMatchObject({ problem: { status: 504 } })
    expect(await answerWithin(1, held(8, 9))).toMatchObject({ problem: { status: 504 } })
    expect(await answerWithin(59_999, {})).toBeUndefined()
    expect(await answerWithin(60_000, {})).toMatchObject({ problem: { status: 504 } })
  })

  it('of a page load gets its page as ever, also where it was held before', async () => {
    expect(await answerWithin(1_000, { ...html, ...held(8, 0) })).toMatchObject({
      is: 'problem',
      problem: { status: 503 },
    })
    expect(await answerWithin(1, { ...html, ...held(1, 1) })).toMatchObject({
      problem: { status: 503 },
    })
    expect(await answerWithin(999, { ...html, ...held(8, 0) })).toBeUndefined()
  })

  it('is answered as soon as the app is ready', async () => {
    const waited = answerWithin(8_000, held(8, 1))
    ready()
    expect(await waited).toEqual({ is: 'upstream', endpoint })
  })
})

describe('what a gateway says of a question', () => {
  it('is believed as far as it makes sense', () => {
    const ask = (headers: object) => readAsk({ ...headers })
    expect(ask(held(8, 3))).toMatchObject({ slice: 8, held: 24 })
    for (const text of ['', '0', '-1', 'x', '1e9', '99999'])
      expect(ask({ 'x-reveille-slice': text, 'x-reveille-round': '...' })).toMatchObject({
        slice: Number.POSITIVE_INFINITY,
        held: 0,
      })
    expect(ask({ 'x-reveille-pin': '0123456789abcdef' }).pin).toBe('0123456789abcdef')
    for (const text of ['0123456789ABCDEF', '0123', '10.9.0.1:80'])
      expect(ask({ 'x-reveille-pin': text }).pin).toBe('')
  })
})
