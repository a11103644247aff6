import { randomBytes } from 'node:crypto'
import { connect } from 'node:net'
import { Readable } from 'node:stream'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { WebSocket } from 'ws'
import type { LabLauncher } from '../lab/launcher.ts'
import { ask, sha1 } from '../system/client.ts'
import { type Backend, type Seen, startBackend } from './backend.ts'
import { isHaproxy, type LabGateway, openLauncher, startGateway } from './gateway.ts'
import { sendRaw, statusOf } from './raw.ts'

let gateway: LabGateway
let launcher: LabLauncher
let backend: Backend
const large = randomBytes(50 * 1024 ** 2)
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

beforeAll(async () => {
  ;[launcher, backend] = await Promise.all([openLauncher(), startBackend('shop')])
  gateway = await startGateway({ launchers: [launcher.address] })
})
afterAll(async () => {
  await gateway.stop()
  await Promise.all([launcher.stop(), backend.stop()])
})
beforeEach(() => {
  launcher.asks.length = 0
  backend.extra = []
  // held for a moment, as for an app that starts
  launcher.script = async ({ app }) => {
    await pause(100)
    return app?.toLowerCase() === 'shop' ? { upstream: backend.address } : 'unknown'
  }
})

const seen = (text: string): Seen => JSON.parse(text) as Seen

describe('a request for an app that does not run', () => {
  it.each(['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'PROPFIND', 'OPTIONS'])(
    'reaches the app as it was sent, by %s',
    async (method) => {
      const body = method === 'GET' || method === 'OPTIONS' ? undefined : 'some=body'
      const answer = await ask(gateway.origin, '/shop/a%2Fb//c?x=%2F%26&y=+', {
        method,
        ...(body && { body }),
        headers: { 'x-own': 'kept' },
      })
      expect(answer.status).toBe(200)
      expect(seen(answer.text)).toMatchObject({
        method,
        url: '/a%2Fb//c?x=%2F%26&y=+',
        bytes: body?.length ?? 0,
        headers: { 'x-own': 'kept', 'x-forwarded-prefix': '/shop' },
      })
      expect(launcher.asks).toHaveLength(1)
      expect(launcher.asks[0]).toMatchObject({
        app: 'shop',
        method,
        uri: '/shop/a%2Fb//c?x=%2F%26&y=+',
        client: '127.0.0.1',
      })
    },
  )

  it('is answered to HEAD without a body', async () => {
    const answer = await ask(gateway.origin, '/shop/', { method: 'HEAD' })
    expect(answer).toMatchObject({ status: 200, text: '' })
    expect(launcher.asks[0]).toMatchObject({ method: 'HEAD' })
  })

  it('carries 50 MB with a length', async () => {
    const answer = await ask(gateway.origin, '/shop/up', { method: 'POST', body: large })
    expect(seen(answer.text)).toMatchObject({ bytes: large.length, sha1: sha1(large) })
    expect(seen(answer.text).headers['content-length']).toBe(String(large.length))
  })

  it('carries 50 MB chunked, and the app sees them chunked', async () => {
    const answer = await ask(gateway.origin, '/shop/up', {
      method: 'POST',
      body: Readable.from([large.subarray(0, 20_000_000), large.subarray(20_000_000)]),
    })
    expect(seen(answer.text)).toMatchObject({ bytes: large.length, sha1: sha1(large) })
    expect(seen(answer.text).headers['transfer-encoding']).toBe('chunked')
  })

  it('asks the launcher while a slow upload still comes', async () => {
    const socket = connect(gateway.port, '127.0.0.1')
    socket.write('POST /shop/slow-upload HTTP/1.1\r\nHost: g\r\nContent-Length: 10\r\n\r\n12345')
    await expect.poll(() => launcher.asks.length).toBe(1)
    socket.write('67890')
    const [chunk] = (await new Promise<Buffer[]>((resolve) =>
      socket.once('data', (data) => resolve([data])),
    )) as [Buffer]
    expect(chunk.toString()).toContain('HTTP/1.1 200')
    socket.destroy()
  })

  it('is told to go on when it expects 100-continue', async () => {
    const head =
      'POST /shop/ HTTP/1.1\r\nHost: g\r\nExpect: 100-continue\r\nContent-Length: 4\r\nConnection: close\r\n\r\n'
    const socket = connect(gateway.port, '127.0.0.1')
    let text = ''
    socket.on('data', (data) => {
      if (text === '') socket.write('abcd')
      text += data.toString()
    })
    socket.write(head)
    await new Promise((resolve) => socket.on('close', resolve))
    expect(text).toMatch(/^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 200/)
    expect(text).toContain('"bytes":4')
  })

  it('opens a WebSocket', async () => {
    const socket = new WebSocket(`ws://127.0.0.1:${gateway.port}/shop/ws?a=1`)
    const messages: string[] = []
    socket.on('message', (data) => {
      messages.push(data.toString())
      if (messages.length === 1) socket.send('hello')
    })
    await expect.poll(() => messages.length, { timeout: 5000 }).toBe(2)
    socket.close()
    expect(JSON.parse(messages[0] as string)).toMatchObject({ app: 'shop', url: '/ws?a=1' })
    expect(messages[1]).toBe('hello')
    expect(launcher.asks[0]).toMatchObject({
      method: 'GET',
      ...(!isHaproxy && { upgrade: 'websocket' }),
    })
  })

  it('streams server-sent events as they are sent', async () => {
    const response = await fetch(`${gateway.origin}/shop/sse`, {
      headers: { accept: 'text/event-stream' },
    })
    const times: number[] = []
    for await (const _ of response.body as unknown as AsyncIterable<Uint8Array>)
      times.push(performance.now())
    expect(times.length).toBeGreaterThanOrEqual(5)
    if (!isHaproxy) expect(launcher.asks[0]).toMatchObject({ accept: 'text/event-stream' })
  })

  it('is held for 200 clients at once', async () => {
    let ready = (): void => {}
    const start = new Promise<void>((resolve) => {
      ready = resolve
    })
    launcher.script = () => start.then(() => ({ upstream: backend.address }))
    const all = Promise.all(
      Array.from({ length: 200 }, (_, i) =>
        ask(gateway.origin, `/shop/${i}`, { method: 'POST', body: `body ${i}` }),
      ),
    )
    await expect.poll(() => launcher.held, { timeout: 10_000 }).toBe(200)
    ready()
    const answers = await all
    expect(answers.map(({ status }) => status)).toEqual(Array(200).fill(200))
    expect(answers.map(({ text }) => seen(text).url)).toEqual(
      Array.from({ length: 200 }, (_, i) => `/${i}`),
    )
  })

  it('is let go when its client leaves', async () => {
    launcher.script = () => new Promise(() => {})
    await expect(ask(gateway.origin, '/shop/', { timeout: 300 })).rejects.toThrow()
    await expect.poll(() => launcher.held).toBe(0)
  })

  it('gets the answers of the app itself, whatever they are', async () => {
    for (const status of [401, 403, 404, 418, 500, 502, 503, 504]) {
      launcher.asks.length = 0
      const answer = await ask(gateway.origin, `/shop/status/${status}`)
      expect(answer.status).toBe(status)
      expect(seen(answer.text).app).toBe('shop')
      expect(launcher.asks).toHaveLength(1)
    }
  })

  it('without a slash is redirected only once the app is known and awake', async () => {
    const known = await ask(gateway.origin, '/shop?a=%2F')
    expect(known).toMatchObject({ status: 308, headers: { location: '/shop/?a=%2F' } })
    expect(launcher.asks).toHaveLength(1)
    expect((await ask(gateway.origin, '/nobody')).status).toBe(404)
    launcher.script = () => ({ page: { kind: 'waiting' } })
    expect((await ask(gateway.origin, '/shop')).status).toBe(503)
    expect(backend.count).toBeGreaterThan(0)
  })
})

describe('what the launcher decides', () => {
  it('404 is answered by nginx, as HTML or as problem details', async () => {
    const page = await ask(gateway.origin, '/nobody/x', { headers: { accept: 'text/html,*/*' } })
    expect(page.status).toBe(404)
    expect(page.headers['content-type']).toBe('text/html; charset=utf-8')
    expect(page.text).toContain('No such app')
    const problem = await ask(gateway.origin, '/nobody/x', { method: 'POST', body: 'x' })
    expect(problem.status).toBe(404)
    expect(problem.headers['content-type']).toBe('application/problem+json')
    expect(JSON.parse(problem.text)).toEqual({
      type: 'urn:reveille:problem:unknown-app',
      title: 'No such app',
      status: 404,
    })
  })

  it('a page is fetched with all that it needs, and its status and headers pass', async () => {
    launcher.script = () => ({ page: { kind: 'problem', problem: 'start-failed' } })
    const answer = await ask(gateway.origin, '/shop/x?y=1', { method: 'PUT', body: 'abc' })
    expect(answer.status).toBe(503)
    expect(answer.headers['retry-after']).toBe('7')
    if (isHaproxy) expect(JSON.parse(answer.text)).toMatchObject({ app: 'shop', retryAfter: 7 })
    else
      expect(answer.text).toBe(
        'page {"kind":"problem","problem":"start-failed"} of shop for PUT /shop/x?y=1',
      )
    expect((await ask(gateway.origin, '/shop/', { method: 'HEAD' })).text).toBe('')
  })

  it('an address that nobody answers at is a 502 of our own', async () => {
    launcher.script = () => ({ upstream: '127.0.0.1:1' })
    const answer = await ask(gateway.origin, '/shop/')
    expect(answer.status).toBe(502)
    expect(JSON.parse(answer.text)).toMatchObject({ title: 'Bad Gateway' })
  })

  it('is never asked with anything but the protocol', () => {
    expect(launcher.faults).toEqual([])
  })
})

// A launcher that carries goes there itself.
if (!isHaproxy)
  describe('a launcher that lies about where the app is', () => {
    it.each([
      ...['', 'localhost:80', 'evil.example:80', 'unix:/run/docker.sock', '169.254.169.254:80'],
      ...['0.0.0.0:8091', '0177.0.0.1:80', '127.0.0.1', '127.0.0.1:2379', '127.0.0.1:2375'],
      ...['10.0.0.1:22', '224.0.0.1:80', '255.255.255.255:80', '[::]:80', '[fe80::1]:80'],
      ...['[::ffff:169.254.169.254]:80', '[::ffff:a9fe:a9fe]:80', '[0:0:0:0:0:ffff:a9fe:a9fe]:80'],
      ...[
        '[fd00::1]:2379',
        '127.0.0.1:80/admin',
        '127.0.0.1:80@evil',
        'a@127.0.0.1:80',
        'launcher',
      ],
      ...['app_shop', '1.2.3.4:0'],
    ])('as %j is not believed', async (upstream) => {
      launcher.script = () => ({ upstream })
      const before = backend.count
      expect((await ask(gateway.origin, '/shop/')).status).toBe(503)
      expect(backend.count).toBe(before)
    })

    it('is believed where an app may be', async () => {
      launcher.script = () => ({ upstream: '[::1]:1' })
      expect((await ask(gateway.origin, '/shop/')).status).toBe(502)
    })
  })

describe('the paths of the gateway itself', () => {
  it('answer the generation, the events of an app, and nothing else', async () => {
    expect((await ask(gateway.origin, '/_reveille/generation')).text).toBe('1')
    const response = await fetch(`${gateway.origin}/_reveille/events/shop`)
    const reader = (response.body as ReadableStream<Uint8Array>).getReader()
    const { value } = await reader.read()
    expect(Buffer.from(value as Uint8Array).toString()).toBe('data: /_reveille/events/shop\n\n')
    await reader.cancel()
    for (const path of [
      '/_reveille/',
      '/_reveille/wake',
      '/_reveille/page',
      '/_reveille/events/',
      '/_reveille/events/a/b',
      '/_reveille/events/%2e%2e%2fwake',
    ])
      expect((await ask(gateway.origin, path)).status, path).toBe(404)
    expect(launcher.asks).toEqual([])
  })

  it('cannot be reached by a detour through dots', async () => {
    for (const path of [
      '/_reveille/events/../../wake',
      '/wake/../_reveille/events/',
      '/x/../_reveille/wake',
    ]) {
      const answer = await sendRaw(
        gateway.port,
        `GET ${path} HTTP/1.1\r\nHost: g\r\nConnection: close\r\n\r\n`,
      )
      expect([400, 404], path).toContain(statusOf(answer))
    }
    expect(launcher.faults).toEqual([])
  })
})
