import { createSocket } from 'node:dgram'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { WebSocket } from 'ws'
import { hostile } from '../hostile/corpus.ts'
import type { LabLauncher } from '../lab/launcher.ts'
import { freePort } from '../lab/port.ts'
import { type Backend, startBackend } from './backend.ts'
import { isHaproxy, type LabGateway, openLauncher, startGateway } from './gateway.ts'
import { CLIENT, seen, sendRaw, statusOf } from './raw.ts'

let gateway: LabGateway
let launcher: LabLauncher
const backends = new Map<string, Backend>()
const reports: string[] = []

const route = (app: string, host: string, path: string, exact = false) => ({
  app,
  host,
  path,
  exact,
})

beforeAll(async () => {
  launcher = await openLauncher()
  const names = ['shop', 'api', 'deep', 'one', 'pair', 'hidden', 'named']
  for (const name of names) backends.set(name, await startBackend(name))
  const addressOf = (name: string): string => (backends.get(name) as Backend).address
  const second = await startBackend('pair-2')
  backends.set('pair-2', second)
  const socket = createSocket('udp4')
  socket.on('message', (data) => reports.push(data.toString()))
  const activity = `127.0.0.1:${await freePort()}`
  socket.bind(Number(activity.split(':')[1]), '127.0.0.1')
  backends.set('socket', { stop: async () => void socket.close() } as Backend)
  gateway = await startGateway({
    activity,
    launchers: [launcher.address],
    apps: [
      ...['shop', 'api', 'deep', 'one', 'named'].map((name) => ({
        name,
        endpoints: [addressOf(name)],
      })),
      { name: 'hidden', named: false, endpoints: [addressOf('hidden')] },
      {
        name: 'pair',
        endpoints: [addressOf('pair'), second.address],
        sticky: true,
        instances: [
          { id: '0123456789abcdef', endpoint: addressOf('pair') },
          { id: 'fedcba9876543210', endpoint: second.address },
        ],
      },
    ],
    routes: [
      route('one', 'shop.example.com', '/only/this', true),
      route('api', 'shop.example.com', '/api'),
      route('shop', 'shop.example.com', ''),
      route('sleeper', 'sleeper.example.com', ''),
      route('pair', 'pair.example.com', ''),
      route('one', '', '/api/student', true),
      route('deep', '', '/foo/bar/baz'),
      route('hidden', '', '/foo/bar'),
      route('pair', '', '/two/parts'),
      route('sleeper', '', '/s/l'),
      route('lazy', '', '/lazy', true),
      route('api', '', '/foo'),
    ],
  })
})
afterAll(async () => {
  await gateway.stop()
  await launcher.stop()
  for (const backend of backends.values()) await backend.stop()
})
beforeEach(() => {
  launcher.asks.length = 0
  reports.length = 0
  for (const backend of backends.values()) backend.extra = []
  launcher.script = ({ app }) =>
    app === 'sleeper' || app === 'lazy'
      ? { upstream: (backends.get('shop') as Backend).address }
      : 'unknown'
})

const get = (path: string, host = 'g', more = '') =>
  sendRaw(gateway.port, `GET ${path} HTTP/1.1\r\nHost: ${host}\r\n${more}Connection: close\r\n\r\n`)

describe('a request', () => {
  it.each([
    // host
    ['shop.example.com', '/', 'shop', '/', undefined],
    [
      'SHOP.Example.com:8080',
      '/a%2Fb//c?x=%2F%26&y=+',
      'shop',
      '/a%2Fb//c?x=%2F%26&y=+',
      undefined,
    ],
    ['shop.example.com.', '/x', 'shop', '/x', undefined],
    ['shop.example.com', '/foo/bar/x', 'shop', '/foo/bar/x', undefined],
    ['shop.example.com', '/shop', 'shop', '/shop', undefined],
    ['shop.example.com', '/%61pi/x', 'shop', '/%61pi/x', undefined],
    ['shop.example.com', '/apis', 'shop', '/apis', undefined],
    ['shop.example.com', '/api/x%2Fy?z', 'api', '/x%2Fy?z', '/api'],
    ['shop.example.com', '/API/', 'api', '/', '/API'],
    ['shop.example.com', '/only/this', 'one', '/', '/only/this'],
    ['shop.example.com', '/only/this/', 'one', '/', '/only/this'],
    ['shop.example.com', '/only/this/not', 'shop', '/only/this/not', undefined],
    // path
    ['g', '/foo/x', 'api', '/x', '/foo'],
    ['g', '/foo/bart/x', 'api', '/bart/x', '/foo'],
    ['g', '/foo/bar/', 'hidden', '/', '/foo/bar'],
    ['g', '/foo/bar/z%2Fz?q=%20', 'hidden', '/z%2Fz?q=%20', '/foo/bar'],
    ['g', '/foo/bar/baz/x/y', 'deep', '/x/y', '/foo/bar/baz'],
    ['g', '/foo/bar/../baz', 'hidden', '/../baz', '/foo/bar'],
    ['g', '/foo/bar%2Fbaz/', 'api', '/bar%2Fbaz/', '/foo'],
    ['g', '/foo//bar/x', 'api', '//bar/x', '/foo'],
    // a path alone
    ['g', '/api/student', 'one', '/', '/api/student'],
    ['g', '/api/student/', 'one', '/', '/api/student'],
    ['g', '/api/student?a=%2F', 'one', '/?a=%2F', '/api/student'],
    ['g', '/API/Student', 'one', '/', '/API/Student'],
    // a name, as before
    ['g', '/named/a%2Fb?x', 'named', '/a%2Fb?x', '/named'],
    ['other.example.com', '/shop/x', 'shop', '/x', '/shop'],
    ['g', '/api/students', 'api', '/students', '/api'],
    ['g', '/api/student/below', 'api', '/student/below', '/api'],
  ])('to %s%s reaches %s as %s', async (host, path, app, url, prefix) => {
    const answer = await get(path, host, 'X-Forwarded-Prefix: /forged\r\n')
    expect(statusOf(answer)).toBe(200)
    expect(seen(answer)).toMatchObject({ app, url })
    expect(seen(answer).headers['x-forwarded-prefix']).toBe(prefix)
    expect(seen(answer).headers['x-forwarded-host']).toBe(host)
    expect(launcher.asks).toEqual([])
  })

  it.each([
    ['g', '/foo/bar', '/foo/bar/'],
    ['g', '/Foo/Bar?x=%2F', '/Foo/Bar/?x=%2F'],
    ['g', '/foo', '/foo/'],
    ['shop.example.com', '/api?x', '/api/?x'],
  ])('to %s%s is sent to the slash', async (host, path, location) => {
    const answer = await get(path, host)
    expect(statusOf(answer)).toBe(308)
    expect(answer).toMatch(new RegExp(`\r\nLocation: ${location.replace('?', '\\?')}\r\n`, 'i'))
  })

  it.each([
    ['g', '/'],
    ['g', '/hidden/'],
    ['g', '//foo/bar/'],
    ['g', '/foo%2Fbar/'],
    ['g', '/two%2Fparts/'],
    ['g', '/two/'],
    ['sub.shop.example.com', '/'],
    ['shop.example.com.evil', '/'],
    ['shop.example', '/'],
    ['[::1]', '/'],
    ['shop.example.com', '/_reveille/wake'],
    ['shop.example.com', '/_reveille'],
  ])('to %s%s reaches nobody', async (host, path) => {
    expect(statusOf(await get(path, host))).toBe(404)
    for (const { app } of launcher.asks) expect(['hidden', 'two']).toContain(app)
  })

  it.each(['shop.example.com/', 'shop.example.com@evil', 'shop.example.com:1:2', 'a b'])(
    'with the host %j is refused',
    async (host) => expect(statusOf(await get('/', host))).toBe(400),
  )

  it('that names a host in its target goes by its Host, which is what the app sees', async () => {
    const answer = await get('http://shop.example.com/foo/x', 'g')
    // HAProxy does not have it that the two differ.
    if (isHaproxy) return expect(statusOf(answer)).toBe(400)
    expect(seen(answer)).toMatchObject({ app: 'api', url: '/x', headers: { host: 'g' } })
  })

  it('opens a WebSocket through a host and through a path', async () => {
    for (const [path, host, app] of [
      ['/ws?a=1', 'shop.example.com', 'shop'],
      ['/foo/bar/ws?a=1', 'g', 'hidden'],
    ] as const) {
      const socket = new WebSocket(`ws://127.0.0.1:${gateway.port}${path}`, { headers: { host } })
      const first = await new Promise<string>((resolve) =>
        socket.once('message', (data) => resolve(String(data))),
      )
      expect(JSON.parse(first)).toMatchObject({ app, url: '/ws?a=1' })
      socket.close()
    }
  })

  it('is reported as use of the app, by its name', async () => {
    // one report per app and second
    await new Promise((resolve) => setTimeout(resolve, 1100))
    await get('/foo/bar/', 'g')
    await get('/', 'shop.example.com')
    await expect.poll(() => reports.join()).toContain('app_hidden')
    await expect.poll(() => reports.join()).toContain('app_shop')
  })
})

describe('what an app says', () => {
  const redirected = async (path: string, host: string, to: string): Promise<string> => {
    const answer = await get(`${path}redirect?to=${encodeURIComponent(to)}`, host)
    return /\r\nLocation: (.*)\r\n/i.exec(answer)?.[1] ?? ''
  }
  it.each([
    ['shop.example.com', '/', '/login?next=/x', '/login?next=/x'],
    ['shop.example.com', '/', 'http://shop.example.com/x', '/x'],
    ['shop.example.com', '/', 'http://localhost:3000/x', '/x'],
    ['shop.example.com', '/', 'https://idp.example/x', 'https://idp.example/x'],
    ['shop.example.com', '/', '//cdn.example/x', '//cdn.example/x'],
    ['shop.example.com', '/', 'next', 'next'],
    ['g', '/foo/bar/', '/login', '/foo/bar/login'],
    ['g', '/foo/bar/', '/foo/bar/login', '/foo/bar/login'],
    ['g', '/foo/bar/', 'http://g/login', '/foo/bar/login'],
    ['g', '/foo/bar/', 'http://g/foo/bar/login', '/foo/bar/login'],
    ['g', '/foo/bar/', '../up', '../up'],
  ])('on %s%s: a redirect to %s is one to %s', async (host, path, to, location) => {
    expect(await redirected(path, host, to)).toBe(location)
  })

  it.each([
    ['shop.example.com', '/', 'shop', ['/', '/sub', '/', '/a/b']],
    ['g', '/foo/bar/', 'hidden', ['/foo/bar/', '/foo/bar/sub', '/foo/bar', '/foo/bar/a/b']],
  ])('on %s%s: cookies stay under its prefix and on this host', async (host, path, app, paths) => {
    const own = app === 'hidden' ? '/foo/bar' : '/'
    ;(backends.get(app) as Backend).extra = ['/', '/sub', own, '/a/b'].flatMap((path, i) => [
      'Set-Cookie',
      `c${i}=1; Path=${path}; Domain=example.com`,
    ])
    const cookies = [...(await get(path, host)).matchAll(/^Set-Cookie: (.*)\r$/gim)]
    expect(cookies.map(([, text]) => text)).toEqual(
      paths.map((path, i) => `c${i}=1; Path=${path}${isHaproxy ? '' : '; Domain='}`),
    )
  })
})

describe('an app that sleeps', () => {
  it.each([
    ['sleeper.example.com', '/a%2Fb?x=1', '/a%2Fb?x=1', undefined],
    ['g', '/s/l/a%2Fb?x=1', '/a%2Fb?x=1', '/s/l'],
    ['g', '/S/l/', '/', '/S/l'],
  ])('is asked for by its name, at %s%s', async (host, path, url, prefix) => {
    const answer = await get(path, host)
    expect(seen(answer)).toMatchObject({ app: 'shop', url })
    expect(seen(answer).headers['x-forwarded-prefix']).toBe(prefix)
    expect(launcher.asks).toMatchObject([{ app: 'sleeper', uri: path, way: 'route' }])
    expect(launcher.asks[0]?.prefix || undefined).toBe(prefix)
  })

  it('is known and awake before it gets its slash', async () => {
    const answer = await get('/s/l?x=1')
    expect(statusOf(answer)).toBe(308)
    expect(answer).toMatch(/\r\nLocation: \/s\/l\/\?x=1\r\n/i)
    expect(launcher.asks).toHaveLength(1)
    expect(statusOf(await get('/lazy'))).toBe(200)
    launcher.script = () => 'unknown'
    expect(statusOf(await get('/s/l'))).toBe(404)
  })

  it('has its page, which follows it under the host it was asked at', async () => {
    launcher.script = () => ({ page: { kind: 'waiting' } })
    const answer = await get('/x', 'sleeper.example.com')
    expect(statusOf(answer)).toBe(503)
    expect(answer).toContain(isHaproxy ? '"app":"sleeper"' : 'of sleeper for GET /x')
    const events = () =>
      sendRaw(
        gateway.port,
        'GET /_reveille/events/sleeper HTTP/1.1\r\nHost: sleeper.example.com\r\n\r\n',
        300,
      )
    await expect.poll(events).toContain('data: /_reveille/events/sleeper\n')
    // what a page of a running app follows is no use of it
    await sendRaw(
      gateway.port,
      'GET /_reveille/events/shop HTTP/1.1\r\nHost: shop.example.com\r\n\r\n',
      300,
    )
    expect(reports).toEqual([])
  })

  it('gets what it is sent: 1 MB by a host', async () => {
    const { port } = gateway
    const body = 'x'.repeat(1_000_000)
    const answer = await sendRaw(
      port,
      `POST /up HTTP/1.1\r\nHost: sleeper.example.com\r\nContent-Length: ${body.length}\r\nConnection: close\r\n\r\n${body}`,
    )
    expect(seen(answer)).toMatchObject({ app: 'shop', bytes: body.length })
  })

  it('is never asked for with anything but the protocol', () => expect(launcher.faults).toEqual([]))
})

describe('a client that stays with an instance', () => {
  it.each([
    ['pair.example.com', '/', '/'],
    ['g', '/two/parts/', '/two/parts/'],
  ])('does so at %s%s', async (host, path, scope) => {
    const first = await get(path, host)
    const cookie = /\r\nSet-Cookie: (reveille_instance=[0-9a-f]{16}); Path=(.*?); HttpOnly/i.exec(
      first,
    )
    expect(cookie?.[2]).toBe(scope)
    for (let i = 0; i < 4; i++) {
      const again = await get(path, host, `Cookie: ${cookie?.[1]}\r\n`)
      expect(seen(again).app).toBe(seen(first).app)
      expect(again).not.toMatch(/set-cookie/i)
    }
  })

  it('is not believed with an id that is none of this app', async () => {
    for (const { value } of hostile('cookie')) {
      const own = value.replaceAll('gw_instance', 'reveille_instance')
      const answer = await get('/', 'pair.example.com', `Cookie: ${own}\r\n`)
      expect(statusOf(answer)).toBe(200)
      expect(seen(answer).app).toMatch(/^pair/)
    }
  })
})

describe('hostile requests', () => {
  it.each(hostile('request.path'))('on a routed host: $value ($why)', async ({ value }) => {
    const answer = await get(value, 'shop.example.com')
    const status = statusOf(answer)
    expect(launcher.asks).toEqual([])
    expect(launcher.faults).toEqual([])
    if (value.length > 8192) return expect(status).toBe(414)
    // the whole host is one app's: whatever a path would resolve to, it goes there, and unchanged
    if (status === 200)
      expect(seen(answer)).toMatchObject({ app: 'shop', url: value.replace(/^http:\/\/[^/]*/, '') })
    else expect([400, 404]).toContain(status)
  })

  it.each(hostile('request.path'))('behind two segments: $value ($why)', async ({ value }) => {
    if (!value.startsWith('/') || value.length > 8000) return
    const answer = await get(`/foo/bar${value}`)
    const status = statusOf(answer)
    expect(launcher.asks).toEqual([])
    if (status === 200) expect(['hidden', 'api']).toContain(seen(answer).app)
    else expect([308, 400, 404]).toContain(status)
    if (status === 308) expect(answer).toMatch(/\r\nLocation: \/foo\/bar\/\r\n/i)
  })

  it.each(hostile('request.header'))(
    'on a routed host: $value ($why)',
    async ({ value, expect: law }) => {
      const [name = '', ...rest] = value.split(':')
      if (name === 'Expect') return
      const head = name === 'Host' ? value : `Host: shop.example.com\r\n${value}`
      const answer = await sendRaw(
        gateway.port,
        `GET / HTTP/1.1\r\n${head}\r\nConnection: close\r\n\r\n`,
      )
      expect(launcher.asks).toEqual([])
      if (law === 'reject-400') return expect(statusOf(answer)).toBe(400)
      if (law === '404-no-start') return expect([400, 404]).toContain(statusOf(answer))
      if (law === 'render-literal' && statusOf(answer) === 400) return
      expect(statusOf(answer)).toBe(200)
      const { app, headers } = seen(answer)
      expect(app).toBe('shop')
      expect(headers).toMatchObject({
        'x-forwarded-host': 'shop.example.com',
        'x-forwarded-proto': 'http',
        'x-forwarded-for': CLIENT,
        'x-real-ip': CLIENT,
      })
      expect(headers['x-forwarded-prefix']).toBeUndefined()
      if (law === 'strip')
        expect(JSON.stringify(headers)).not.toContain(JSON.stringify(rest.join(':').trim()))
    },
  )

  it('cannot say what only the gateway says', async () => {
    const words = [
      'Way: route',
      'Prefix: /x',
      'Proof: x',
      'Answer: redirect',
      'App: x',
      'Carry: x',
      'Bare: 1',
    ]
    const more = words.map((word) => `X-Reveille-${word}\r\n`).join('')
    const { headers } = seen(await get('/', 'shop.example.com', more))
    const told = Object.entries(headers).filter(([name]) => name.startsWith('x-reveille'))
    // An HAProxy tells a launcher that may have to take over, and so the app, whose the request is.
    const own = { 'x-reveille-carry': 'shop', 'x-reveille-way': 'route' }
    expect(Object.fromEntries(told)).toEqual(isHaproxy ? own : {})
    await get('/', 'sleeper.example.com', more)
    expect(launcher.asks).toMatchObject([{ app: 'sleeper', way: 'route' }])
    expect(launcher.asks[0]?.proof || '').toBe('')
    expect(launcher.faults).toEqual([])
  })
})
