import { randomBytes } from 'node:crypto'
import { Readable } from 'node:stream'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { WebSocket } from 'ws'
import type { LabLauncher } from '../lab/launcher.ts'
import { freePort } from '../lab/port.ts'
import { ask, sha1 } from '../system/client.ts'
import { type Backend, type Seen, startBackend } from './backend.ts'
import { isHaproxy, type LabGateway, openLauncher, startGateway } from './gateway.ts'

let gateway: LabGateway
let launcher: LabLauncher
let fresh: Backend
let half: Backend
let alive: Backend
let deadPort: number
const large = randomBytes(50 * 1024 ** 2)
const seen = (text: string): Seen => JSON.parse(text) as Seen

beforeAll(async () => {
  ;[launcher, fresh, half, alive, deadPort] = await Promise.all([
    openLauncher(),
    startBackend('fresh'),
    startBackend('half'),
    startBackend('alive'),
    freePort(),
  ])
  const dead = [`127.0.0.1:${deadPort}`]
  gateway = await startGateway({
    launchers: [launcher.address],
    apps: [
      { name: 'alive', endpoints: [alive.address] },
      { name: 'both', endpoints: [...dead, `127.0.0.1:${await freePort()}`] },
      // no address of this test network ever answers, nor refuses (RFC 5737)
      { name: 'hole', endpoints: ['192.0.2.1:80'] },
      { name: 'swallowed', endpoints: ['192.0.2.1:80', half.address, alive.address] },
      { name: 'half', endpoints: [...dead, half.address] },
      { name: 'gone', endpoints: dead },
    ],
  })
})
afterAll(async () => {
  await gateway.stop()
  await Promise.all([launcher, fresh, half, alive].map((part) => part.stop()))
})
beforeEach(() => {
  launcher.asks.length = 0
  launcher.script = () => ({ upstream: fresh.address })
})
afterEach(() => expect(launcher.faults).toEqual([]))

describe.each(['gone', 'both'])('a route to instances that are %s', (app) => {
  it.each(['GET', 'POST', 'PUT', 'DELETE', 'PROPFIND'])('costs a %s nothing', async (method) => {
    const body = method === 'GET' ? undefined : 'abc'
    const answer = await ask(gateway.origin, `/${app}/x%2Fy?q=1`, { method, ...(body && { body }) })
    expect(answer.status).toBe(200)
    expect(seen(answer.text)).toMatchObject({ app: 'fresh', method, url: '/x%2Fy?q=1' })
    expect(launcher.asks).toHaveLength(1)
    // once both are known to be dead, nginx names their group instead; HAProxy cannot say: the launcher looks itself
    const dead = new RegExp(isHaproxy ? '^$' : `127.0.0.1:${deadPort}|^app_both$`)
    expect(launcher.asks[0]?.dead).toMatch(dead)
  })

  it('costs an upload of 50 MB nothing, with a length or chunked', async () => {
    for (const body of [large, Readable.from([large])]) {
      const answer = await ask(gateway.origin, `/${app}/up`, { method: 'POST', body })
      expect(seen(answer.text)).toMatchObject({ bytes: large.length, sha1: sha1(large) })
    }
  })

  it('costs a WebSocket nothing', async () => {
    const socket = new WebSocket(`ws://127.0.0.1:${gateway.port}/${app}/ws`)
    const first = await new Promise<string>((resolve, reject) => {
      socket.on('message', (data) => resolve(data.toString()))
      socket.on('error', reject)
    })
    socket.close()
    expect(JSON.parse(first)).toMatchObject({ app: 'fresh', url: '/ws' })
  })
})

describe('a route to an instance that does not answer', () => {
  it('is given up after the connect timeout and asked about', async () => {
    const answer = await ask(gateway.origin, '/hole/x', { method: 'POST', body: 'abc' })
    expect(seen(answer.text)).toMatchObject({ app: 'fresh', bytes: 3 })
    expect(launcher.asks).toHaveLength(1)
  })
})

describe('a route to two instances of which one is dead', () => {
  it('goes to the other one, and nobody is asked', async () => {
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, i) =>
        ask(gateway.origin, '/half/x', i % 2 ? { method: 'POST', body: 'abc' } : {}),
      ),
    )
    expect(answers.map(({ text }) => seen(text).app)).toEqual(Array(20).fill('half'))
    expect(launcher.asks).toEqual([])
  })
})

describe('a route to several instances of which one swallows connects', () => {
  it('costs a body nothing, and a moment once: it is left out then', {
    timeout: 30_000,
  }, async () => {
    const slow: string[] = []
    for (const [index, method] of ['POST', 'GET', 'PUT', 'POST', 'GET', 'POST'].entries()) {
      const body = method === 'GET' ? {} : { body: 'x'.repeat(90_000) }
      const began = performance.now()
      const answer = await ask(gateway.origin, '/swallowed/x', { method, ...body })
      if (performance.now() - began > 800) slow.push(`${index} ${method}`)
      expect(answer.status).toBe(200)
      expect(seen(answer.text)).toMatchObject({ method, bytes: method === 'GET' ? 0 : 90_000 })
    }
    expect(slow.length).toBeLessThanOrEqual(1)
    expect(launcher.asks).toEqual([])
  })

  it('gives no request that reached the app to another one, unless it may be repeated', async () => {
    const sent = () => half.count + alive.count
    const before = sent()
    const post = await ask(gateway.origin, '/swallowed/drop', { method: 'POST', body: 'abc' })
    expect(post.status).toBe(502)
    expect(sent() - before).toBe(1)
    expect(launcher.asks).toEqual([])
  })
})

describe('an instance that is there', () => {
  it.each([401, 403, 404, 418, 500, 502, 503, 504])(
    'says %i itself, and nobody is asked',
    async (status) => {
      const answer = await ask(gateway.origin, `/alive/status/${status}`)
      expect(answer.status).toBe(status)
      expect(seen(answer.text).app).toBe('alive')
      expect(launcher.asks).toEqual([])
    },
  )

  it('that breaks off a POST is not sent it again', async () => {
    const before = alive.count
    const answer = await ask(gateway.origin, '/alive/drop', { method: 'POST', body: 'abc' })
    expect(answer.status).toBe(502)
    expect(JSON.parse(answer.text)).toMatchObject({ title: 'Bad Gateway' })
    expect(alive.count - before).toBe(1)
    expect(launcher.asks).toEqual([])
  })

  // HAProxy sends it again itself.
  if (!isHaproxy)
    it('that breaks off a GET is asked about once, no more', async () => {
      launcher.script = () => ({ upstream: alive.address })
      const answer = await ask(gateway.origin, '/alive/drop')
      expect(answer.status).toBe(502)
      expect(launcher.asks).toHaveLength(1)
    })

  it('that breaks off in the middle of an answer breaks it off for the client too', async () => {
    await expect(ask(gateway.origin, '/alive/break')).rejects.toThrow()
    expect(launcher.asks).toEqual([])
  })
})
