import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Progress } from '../../../model/progress.ts'
import { freePort } from '../../lab/port.ts'
import { bearer, openStage, type Stage } from './stage.ts'

let stage: Stage
let url: string
const listeners = new Set<(progress: Progress) => void>()
const left: unknown[] = []
/** called as a wake of the app that is stuck begins */
let onStuck = (): void => {}
beforeAll(async () => {
  const port = await freePort()
  url = `http://127.0.0.1:${port}`
  stage = await openStage({
    listen: `127.0.0.1:${port}`,
    control: {
      wake: async (app, onProgress, signal) => {
        if (app === 'stuck')
          return new Promise((_resolve, reject) => {
            signal?.addEventListener('abort', () => reject(left.push(signal.reason)))
            onStuck()
          })
        onProgress?.({ app, phase: 'pulling', percent: 43 })
        onProgress?.({ app, phase: 'starting' })
        return { host: '10.0.0.5', port: 49_150 }
      },
      onProgress: (listener) => {
        listeners.add(listener)
        return () => listeners.delete(listener)
      },
    },
  })
  await stage.api.listen({ host: '127.0.0.1', port })
  for (const name of ['shop', 'stuck']) await stage.ask('POST', '/v1/apps', { name, image: 'a:1' })
})
afterAll(() => stage.close())

interface Told {
  event: string
  data: Record<string, unknown>
}

/** Follows a stream of events until `count` have come. */
async function follow(
  path: string,
  init: RequestInit,
  count: number,
  started: () => Promise<void> = async () => {},
): Promise<Told[]> {
  const leave = new AbortController()
  const timer = setTimeout(() => leave.abort(new Error('too few events')), 10_000)
  const answer = await fetch(url + path, { ...init, signal: leave.signal })
  expect(answer.headers.get('content-type')).toMatch(/^text\/event-stream/)
  expect(answer.headers.get('cache-control')).toBe('no-store')
  await started()
  let text = ''
  const decoder = new TextDecoder()
  const events = (): Told[] =>
    [...text.matchAll(/event: (.*)\ndata: (.*)\n\n/g)].map((match) => ({
      event: match[1] ?? '',
      data: JSON.parse(match[2] ?? ''),
    }))
  for await (const chunk of answer.body ?? []) {
    text += decoder.decode(chunk, { stream: true })
    if (events().length >= count) break
  }
  clearTimeout(timer)
  leave.abort()
  return events()
}

test('what happens is told as it happens', async () => {
  const claim = { owner: 'r/1', action: 'sleep', phase: 'draining', since: '2026-11-21T00:00:00Z' }
  const told = await follow('/v1/events', { headers: bearer }, 8, async () => {
    const { store } = stage
    for (const listener of listeners) {
      listener({ app: 'shop', phase: 'pulling', percent: 43 })
      listener({ app: 'shop', phase: 'ready' })
      listener({ app: 'shop', phase: 'failed', detail: 'exited with code 1' })
    }
    await store.put('/services/clusters/shop', '10.0.0.5:49150')
    await store.put('/services/clusters/shop', '10.0.0.5:49150') // no news
    await store.create('/services/claims/shop/0', JSON.stringify(claim))
    await store.remove('/services/clusters/shop')
    await store.remove('/services/claims/shop/0')
    await store.put('/services/clusters/shop/1', '10.0.0.5:49151')
  })
  expect(told.map(({ event, data: { time: _time, ...data } }) => ({ event, ...data }))).toEqual([
    { event: 'waking', type: 'waking', app: 'shop', phase: 'pulling', percent: 43 },
    { event: 'ready', type: 'ready', app: 'shop' },
    { event: 'failed', type: 'failed', app: 'shop', detail: 'exited with code 1' },
    { event: 'registered', type: 'registered', app: 'shop', slot: 0, endpoint: '10.0.0.5:49150' },
    { event: 'sleeping', type: 'sleeping', app: 'shop', slot: 0 },
    { event: 'removed', type: 'removed', app: 'shop', slot: 0 },
    { event: 'asleep', type: 'asleep', app: 'shop', slot: 0 },
    { event: 'registered', type: 'registered', app: 'shop', slot: 1, endpoint: '10.0.0.5:49151' },
  ])
})

test.each([
  ['progress=1', '/v1/apps/SHOP/wake?progress=1', {}],
  ['Accept', '/v1/apps/SHOP/wake', { accept: 'text/event-stream' }],
])('a wake with %s shows its progress', async (_what, path, headers) => {
  const told = await follow(path, { method: 'POST', headers: { ...bearer, ...headers } }, 3)
  expect(told).toEqual([
    { event: 'progress', data: { app: 'shop', phase: 'pulling', percent: 43 } },
    { event: 'progress', data: { app: 'shop', phase: 'starting' } },
    { event: 'ready', data: { app: 'shop', endpoint: '10.0.0.5:49150' } },
  ])
})

test('a wake without is answered once it is ready', async () => {
  const answer = await fetch(`${url}/v1/apps/shop/wake`, { method: 'POST', headers: bearer })
  expect(await answer.json()).toEqual({ app: 'shop', endpoint: '10.0.0.5:49150' })
})

test.each(['', '?progress=1'])('who leaves lets go of the wake%s', async (query) => {
  left.length = 0
  const leave = new AbortController()
  onStuck = () => setTimeout(() => leave.abort(), 300)
  const init = { method: 'POST', headers: bearer, signal: leave.signal }
  const call = fetch(`${url}/v1/apps/stuck/wake${query}`, init)
    .then((answer) => answer.text())
    .catch(() => 'left')
  expect(await call).toBe('left')
  await expect.poll(() => left.length).toBe(1)
})
