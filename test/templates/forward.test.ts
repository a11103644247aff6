import { createSocket } from 'node:dgram'
import { setTimeout as pause } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { WebSocket } from 'ws'
import type { LabLauncher } from '../lab/launcher.ts'
import { freePort } from '../lab/port.ts'
import { ask } from '../system/client.ts'
import { type Backend, type Seen, startBackend } from './backend.ts'
import { isHaproxy, type LabGateway, openLauncher, startGateway } from './gateway.ts'
import { sendRaw, statusOf } from './raw.ts'

let gateway: LabGateway
let launcher: LabLauncher
let shop: Backend
let twin: Backend
let activityPort: number
const seen = (text: string): Seen => JSON.parse(text) as Seen
const host = () => `127.0.0.1:${gateway.port}`

beforeAll(async () => {
  ;[launcher, shop, twin, activityPort] = await Promise.all([
    openLauncher(),
    startBackend('shop'),
    startBackend('twin'),
    freePort(),
  ])
  gateway = await startGateway({
    launchers: [launcher.address],
    activity: `127.0.0.1:${activityPort}`,
    apps: [
      { name: 'foo', endpoints: [shop.address] },
      { name: 'shop', endpoints: [shop.address] },
      { name: 'pair', endpoints: [shop.address, twin.address] },
    ],
  })
})
afterAll(async () => {
  await gateway.stop()
  await Promise.all([launcher, shop, twin].map((part) => part.stop()))
})
beforeEach(() => {
  shop.extra = []
  launcher.asks.length = 0
})
afterEach(() => expect(launcher.faults).toEqual([]))

describe('the path', () => {
  it.each([
    ['/shop/foo%2Fbar?x=1', '/foo%2Fbar?x=1', '/shop'],
    ['/shop/a%20b/%C3%A9?q=%26%2F+x', '/a%20b/%C3%A9?q=%26%2F+x', '/shop'],
    ['/shop//double//s', '//double//s', '/shop'],
    ['/shop/', '/', '/shop'],
    ['/shop/?x=1', '/?x=1', '/shop'],
    ['/shop/a;b=1,c', '/a;b=1,c', '/shop'],
    ['/shop/%2e%2e/x', '/%2e%2e/x', '/shop'],
    ['/shop/x/../y', '/x/../y', '/shop'],
    ['/foo/bar/z%2Fz', '/bar/z%2Fz', '/foo'],
    ['/SHOP/z', '/z', '/SHOP'],
    ['/shop/?a=/shop/&b=?c', '/?a=/shop/&b=?c', '/shop'],
    ['/shop/100%25', '/100%25', '/shop'],
    ["/shop/'()*!~", "/'()*!~", '/shop'],
    // HAProxy refuses an address that names another host than the Host header does.
    [`http://${isHaproxy ? 'g' : 'other.host'}/shop/x?y=1`, '/x?y=1', '/shop'],
    ['/shop/../foo/x', '/../foo/x', '/shop'],
  ])('%s reaches the app as %s', async (path, url, prefix) => {
    const raw = await sendRaw(
      gateway.port,
      `GET ${path} HTTP/1.1\r\nHost: g\r\nConnection: close\r\n\r\n`,
    )
    expect(statusOf(raw)).toBe(200)
    const body = raw.slice(raw.indexOf('\r\n\r\n') + 4)
    expect(seen(body)).toMatchObject({ url, headers: { 'x-forwarded-prefix': prefix } })
    expect(launcher.asks).toEqual([])
  })

  it.each([
    ['/shop', '/shop/'],
    ['/shop?x=1', '/shop/?x=1'],
    ['/shop?', '/shop/?'],
    ['/Shop?a=%2F', '/Shop/?a=%2F'],
  ])('%s is redirected to %s', async (path, location) => {
    const answer = await ask(gateway.origin, path)
    expect(answer.status).toBe(308)
    expect(answer.headers.location?.replace(/\?$/, '')).toBe(location.replace(/\?$/, ''))
    expect(launcher.asks).toEqual([])
  })

  it.each(['/nope/x', '//shop/x', '/%73hop/x', '/shop%2Fx', '/-shop/', '/shop.x/', '/'])(
    '%s is no app',
    async (path) => {
      expect((await ask(gateway.origin, path)).status).toBe(404)
    },
  )
})

describe('a header that speaks for all of the origin', () => {
  const names = [
    ...['Service-Worker-Allowed', 'Clear-Site-Data', 'Strict-Transport-Security', 'Alt-Svc', 'NEL'],
    ...['Report-To', 'Reporting-Endpoints', 'Public-Key-Pins', 'Public-Key-Pins-Report-Only'],
    ...['X-Reveille-Upstream', 'X-Reveille-Page'],
  ]
  it.each([
    ['a running', '/shop/'],
    ['a sleeping', '/sleeper/'],
  ])('of %s app does not reach the browser', async (_, path) => {
    launcher.script = ({ app }) => (app === 'sleeper' ? { upstream: shop.address } : 'unknown')
    shop.extra = ['X-Own', 'kept', ...names.flatMap((name) => [name, 'evil'])]
    const { status, headers } = await ask(gateway.origin, path)
    expect(status).toBe(200)
    expect(headers).toMatchObject({ 'x-own': 'kept' })
    expect(Object.values(headers)).not.toContain('evil')
  })
})

describe('what an app sees', () => {
  it.each([
    ...['X-Forwarded-Scheme', 'X-Forwarded-Ssl', 'X-Forwarded-User', 'X-Remote-User'],
    ...['X-Client-IP', 'True-Client-IP', 'X-Forwarded-Path', 'X-Script-Name', 'X-Forwarded-Uri'],
    ...['X-Forwarded-Method', 'CF-Connecting-IP'],
  ])('never has the %s a client made up', async (name) => {
    const { text } = await ask(gateway.origin, '/shop/', { headers: { [name]: 'forged' } })
    expect(text).not.toContain('forged')
  })

  it('is who asks, and for what, in the words of the gateway', async () => {
    const { text } = await ask(gateway.origin, '/shop/', {
      headers: { 'X-Forwarded-For': '10.0.0.1', Forwarded: 'for=10.0.0.1', Proxy: 'http://evil' },
    })
    const { headers } = seen(text)
    expect(headers).toMatchObject({
      host: host(),
      'x-forwarded-host': host(),
      'x-forwarded-prefix': '/shop',
      'x-forwarded-proto': 'http',
      'x-forwarded-for': '127.0.0.1',
      'x-real-ip': '127.0.0.1',
    })
    expect(headers).not.toHaveProperty('forwarded')
    expect(headers).not.toHaveProperty('proxy')
  })

  it('has a Host even where the client sent none', async () => {
    const raw = await sendRaw(gateway.port, 'GET /shop/ HTTP/1.0\r\n\r\n')
    expect(statusOf(raw)).toBe(200)
  })

  it('is a WebSocket where one is asked for, and no other upgrade', async () => {
    const socket = new WebSocket(`ws://${host()}/shop/ws`)
    const first = await new Promise<string>((resolve) =>
      socket.on('message', (data) => resolve(data.toString())),
    )
    socket.close()
    expect(JSON.parse(first)).toMatchObject({ url: '/ws' })
    const { text } = await ask(gateway.origin, '/shop/', {
      headers: { Connection: 'Upgrade, HTTP2-Settings', Upgrade: 'h2c', 'HTTP2-Settings': 'AAMA' },
    })
    expect(seen(text).headers).not.toHaveProperty('upgrade')
  })

  it('comes without waiting, and connections that rest are closed soon', async () => {
    const response = await fetch(`${gateway.origin}/shop/sse`)
    const chunks: number[] = []
    for await (const _ of response.body as unknown as AsyncIterable<Uint8Array>)
      chunks.push(performance.now())
    expect(chunks.length).toBeGreaterThanOrEqual(5)
    await expect.poll(() => shop.connections, { timeout: 5000 }).toBe(0)
  })
})

describe('a redirect of the app', () => {
  it.each([
    ['/login?next=/x', '/shop/login?next=/x'],
    ['/shop/login', '/shop/login'],
    ['https://idp.example/x', 'https://idp.example/x'],
    ['//cdn.example/x', '//cdn.example/x'],
    ['rel/path', 'rel/path'],
    ['../up', '../up'],
    ['?q=1', '?q=1'],
    ['http://127.0.0.1:2379/', '/shop/'],
    ['http://localhost:8000/a?b', '/shop/a?b'],
    ['http://[::1]:8000', '/shop/'],
    ['http://HOST/x', '/shop/x'],
    ['https://HOST/shop/x', '/shop/x'],
    ['http://INSTANCE/x', '/shop/x'],
  ])('to %s comes back as %s', async (to, location) => {
    const target = to.replace('HOST', host()).replace('INSTANCE', shop.address)
    const answer = await ask(gateway.origin, `/shop/redirect?to=${encodeURIComponent(target)}`)
    expect(answer).toMatchObject({ status: 302, headers: { location } })
  })
})

describe('a cookie of the app', () => {
  it('stays under its prefix and on this host', async () => {
    shop.extra = [
      ...['Set-Cookie', 'a=1; Path=/; HttpOnly', 'Set-Cookie', 'b=2; Path=/sub'],
      ...['Set-Cookie', 'c=3; Path=/shop/x; Secure', 'Set-Cookie', 'd=4'],
      ...['Set-Cookie', 'e=5; Domain=example.test; Path=/; SameSite=Lax'],
    ]
    const answer = await ask(gateway.origin, '/shop/')
    expect(answer.headers['set-cookie']).toEqual([
      'a=1; Path=/shop/; HttpOnly',
      'b=2; Path=/shop/sub',
      'c=3; Path=/shop/x; Secure',
      'd=4',
      isHaproxy ? 'e=5; Path=/shop/; SameSite=Lax' : 'e=5; Domain=; Path=/shop/; SameSite=Lax',
    ])
  })
})

describe('the path of a cookie', () => {
  it.each([
    ['/', '/shop/'],
    ['/shop', '/shop'],
    ['/shop/', '/shop/'],
    ['/shop/x', '/shop/x'],
    ['/shopping', '/shop/shopping'],
    ['/shopping/x', '/shop/shopping/x'],
    ['/shop-2', '/shop/shop-2'],
    ['/shop.x', '/shop/shop.x'],
    ['/foo', '/shop/foo'],
    ['/foo/', '/shop/foo/'],
    ['/sho', '/shop/sho'],
    ['/a/shop', '/shop/a/shop'],
    ['//x', '/shop//x'],
  ])('%s comes back as %s', async (path, wanted) => {
    // several at once: the rule is decided for each of them
    const cookies = ['/shop', path, '/foo', path]
    shop.extra = cookies.flatMap((each) => ['Set-Cookie', `a=1; Path=${each}; HttpOnly`])
    const answer = await ask(gateway.origin, '/shop/')
    expect(answer.headers['set-cookie']).toEqual(
      ['/shop', wanted, '/shop/foo', wanted].map((each) => `a=1; Path=${each}; HttpOnly`),
    )
  })
})

describe('use of an app', () => {
  it('is reported at most once a second, and only of apps that are routed', async () => {
    const lines: string[] = []
    const socket = createSocket('udp4')
    socket.on('message', (message) => lines.push(message.toString()))
    await new Promise<void>((resolve) => socket.bind(activityPort, '127.0.0.1', resolve))
    const started = performance.now()
    for (let i = 0; i < 50; i++) await ask(gateway.origin, '/FOO/x')
    for (let i = 0; i < 5; i++) await ask(gateway.origin, '/nobody/x')
    // the kernel drops one after each that went to the port while nobody listened there
    const reported = async () => (await ask(gateway.origin, '/FOO/x')) && lines.length
    await expect.poll(reported, { timeout: 5000, interval: 100 }).toBeGreaterThanOrEqual(1)
    const seconds = Math.ceil((performance.now() - started) / 1000)
    socket.close()
    expect(lines.length).toBeLessThanOrEqual(seconds + 1)
    for (const line of lines) expect(line).toMatch(/(?:^|reveille: )app_foo\n?$/)
  })
})

describe('an app of two instances', () => {
  it('is answered by the one that has less to do', async () => {
    const socket = new WebSocket(`ws://${host()}/pair/x`)
    const busy = await new Promise<Seen>((resolve, reject) => {
      socket.on('message', (data) => resolve(seen(data.toString())))
      socket.on('error', reject)
    })
    const others = async (): Promise<string[]> => {
      const found = new Set<string>()
      for (let i = 0; i < 10; i++) {
        found.add(seen((await ask(gateway.origin, '/pair/x')).text).app)
        // A worker of nginx counts a request off a moment after its client has the answer.
        await pause(20)
      }
      return [...found]
    }
    // Again where that moment was longer; one after the other in turn would never come to this.
    await expect.poll(others).toEqual([busy.app === 'shop' ? 'twin' : 'shop'])
    socket.close()
  })
})
