import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { hostile } from '../hostile/corpus.ts'
import type { LabLauncher } from '../lab/launcher.ts'
import { type Backend, startBackend } from './backend.ts'
import { type LabGateway, openLauncher, startGateway } from './gateway.ts'
import { bodyOf, CLIENT, seen, sendRaw, statusOf } from './raw.ts'

let gateway: LabGateway
let launcher: LabLauncher
let shop: Backend
let admin: Backend
/** names the launcher was asked about that it knows: what a real one would have started */
const woken: string[] = []

beforeAll(async () => {
  ;[launcher, shop, admin] = await Promise.all([
    openLauncher(),
    startBackend('shop'),
    startBackend('admin'),
  ])
  launcher.script = ({ app }) => {
    if (app?.toLowerCase() !== 'sleeper') return 'unknown'
    woken.push(app)
    return { upstream: shop.address }
  }
  gateway = await startGateway({
    launchers: [launcher.address],
    apps: [
      { name: 'admin', endpoints: [admin.address] },
      { name: 'shop', endpoints: [shop.address] },
    ],
  })
})
afterAll(async () => {
  await gateway.stop()
  await Promise.all([launcher, shop, admin].map((part) => part.stop()))
})
beforeEach(() => {
  woken.length = 0
  launcher.asks.length = 0
  shop.extra = []
})

const get = (path: string, headers = 'Host: g') =>
  sendRaw(gateway.port, `GET ${path} HTTP/1.1\r\n${headers}\r\nConnection: close\r\n\r\n`)

describe('a hostile path', () => {
  it.each(hostile('request.path'))('$value: $why', async ({ value, expect: law }) => {
    const answer = await get(value)
    const status = statusOf(answer)
    expect(woken).toEqual([])
    expect(launcher.faults).toEqual([])
    if (value.length > 8192) return expect(status).toBe(414)
    if (status === 200) {
      // one app for every hop: the one the raw first segment names, whatever the rest would resolve to
      expect(law === 'canonical-or-400' || value.startsWith('/shop/')).toBe(true)
      const segment = value.split('/')[1]?.toLowerCase()
      expect(seen(answer)).toMatchObject({
        app: segment,
        headers: { 'x-forwarded-prefix': `/${value.split('/')[1]}` },
      })
    } else {
      expect([308, 400, 404]).toContain(status)
      if (status === 308) expect(answer).toMatch(/\r\nLocation: \/shop\/\r\n/i)
      // not the head: its Date has digits of its own
      expect(bodyOf(answer)).not.toMatch(/<script>|49|{{/)
    }
  })
})

describe('a hostile header', () => {
  it.each(hostile('request.header'))('$value: $why', async ({ value, expect: law }) => {
    const [name = '', ...rest] = value.split(':')
    const isHost = name === 'Host'
    const headers = isHost ? value : `Host: g\r\n${value}`
    if (name === 'Expect') {
      const answer = await sendRaw(
        gateway.port,
        `POST /shop/ HTTP/1.1\r\n${headers}\r\nConnection: close\r\n\r\n0123456789`,
      )
      expect(answer).toMatch(/^HTTP\/1\.1 (?:100 Continue\r\n\r\nHTTP\/1\.1 )?200/)
      return
    }
    if (law === 'reject-400') {
      for (const path of ['/shop/', '/sleeper/', '/nobody/'])
        expect(statusOf(await get(path, headers)), path).toBe(400)
      return expect(woken).toEqual([])
    }
    if (law === '404-no-start') {
      expect([400, 404]).toContain(statusOf(await get('/nobody/', headers)))
      expect([400, 404]).toContain(statusOf(await get('/', headers)))
      return expect(woken).toEqual([])
    }
    const answer = await get('/shop/', headers)
    // A control byte may pass or be refused, by nginx or by the app; nothing here writes headers to a log.
    if (law === 'render-literal' && statusOf(answer) === 400) return
    expect(statusOf(answer)).toBe(200)
    const { app, headers: received } = seen(answer)
    expect(app).toBe('shop')
    expect(received).toMatchObject({
      'x-forwarded-prefix': '/shop',
      'x-forwarded-host': 'g',
      'x-forwarded-proto': 'http',
      'x-forwarded-for': CLIENT,
      'x-real-ip': CLIENT,
    })
    const text = JSON.stringify(received)
    if (law === 'strip') expect(text).not.toContain(JSON.stringify(rest.join(':').trim()))
    if (law === 'accept' || law === 'render-literal')
      expect(received[name.toLowerCase()]).toBe(rest.join(':').trim())
    expect(launcher.asks).toEqual([])
  })

  it.each(['shop', 'sleeper'])('takes nothing from %s that the gateway says', async (app) => {
    const named = 'Connection: close, X-Forwarded-For, X-Forwarded-Prefix, X-Real-IP, Host'
    const answer = await get(`/${app}/`, `Host: g\r\n${named}`)
    expect(seen(answer).headers).toMatchObject({
      host: 'g',
      'x-forwarded-prefix': `/${app}`,
      'x-forwarded-for': CLIENT,
      'x-real-ip': CLIENT,
    })
  })
})

describe('a hostile header of an app', () => {
  it.each(hostile('response.header'))('$value: $why', async ({ value }) => {
    const lines = value.split('\r\n')
    if (lines.length > 1) {
      // Two framings at once: nginx takes the chunked one and drops the length, as RFC 9112 6.3 has it.
      shop.extra = ['Transfer-Encoding', 'chunked']
    } else {
      const at = value.indexOf(':')
      shop.extra = [value.slice(0, at), value.slice(at + 1).trim()]
    }
    const started = performance.now()
    const answer = await get('/shop/')
    expect(statusOf(answer)).toBe(200)
    expect(answer).not.toMatch(/^x-accel-/im)
    expect(answer).not.toMatch(/127\.0\.0\.1:2379\/\r\n|Domain=[^;\r\n]/)
    expect(answer).not.toMatch(/Path=\/(?:;|\r)/)
    expect(answer.match(/^(?:content-length|transfer-encoding):/gim)).toHaveLength(1)
    expect(seen(answer).app).toBe('shop')
    expect(performance.now() - started).toBeLessThan(8_000)
    expect(launcher.faults).toEqual([])
    expect(launcher.asks).toEqual([])
  })
})

it('however often an app says so, no cookie of its is for other hosts', async () => {
  const domains = ['Domain=g', 'domain = g', 'DOMAIN=.g', 'Domain=g', 'Domain=']
  shop.extra = ['Set-Cookie', `a=1; ${domains.join('; ')}; Path=/; Secure`]
  expect(await get('/shop/')).not.toMatch(/domain\s*=\s*[^;\s]/i)
})

it.each(['shop', 'sleeper'])(
  'a client cannot have headers of ours taken away from %s',
  async (app) => {
    const names = 'X-Forwarded-For, X-Real-IP, X-Forwarded-Prefix, X-Forwarded-Host, Cookie, X-Own'
    const answer = await sendRaw(
      gateway.port,
      `GET /${app}/ HTTP/1.1\r\nHost: g\r\nX-Own: 1\r\nCookie: a=1\r\nConnection: close, ${names}\r\n\r\n`,
    )
    const { headers } = seen(answer)
    expect(headers).toMatchObject({
      ...{ 'x-forwarded-for': CLIENT, 'x-real-ip': CLIENT, cookie: 'a=1' },
      ...{ 'x-forwarded-prefix': `/${app}`, 'x-forwarded-host': 'g' },
    })
    expect(headers.connection ?? '').not.toMatch(/x-/i)
  },
)

describe('a hostile cookie', () => {
  it.each(hostile('cookie'))('$why', async ({ value }) => {
    for (const [path, app] of [
      ['/shop/', 'shop'],
      ['/admin/', 'admin'],
    ] as const) {
      const answer = await get(path, `Host: g\r\nCookie: ${value}`)
      expect(statusOf(answer)).toBe(200)
      expect(seen(answer).app).toBe(app)
    }
  })
})

describe('two requests in the clothes of one', () => {
  const raws = hostile('request.raw')
  it('are all in the corpus', () => expect(raws).toHaveLength(8))

  it.each(
    raws.flatMap(({ value, why }) => ['shop', 'sleeper'].map((app) => ({ app, value, why }))),
  )('to $app ($why): one arrives, or the client gets a 400', async ({ app, value }) => {
    const before = shop.count
    const answer = await sendRaw(gateway.port, value.replace('/shop/', `/${app}/`), 500)
    expect(answer).not.toContain('_internal')
    const statuses = (answer.match(/^HTTP\/1\.1 \d{3}/gm) ?? []).map((line) => line.slice(9))
    // one whose body is still to come, by its length, has no answer yet
    if (shop.count === before) return expect(['', '400']).toContain(statuses.join())
    expect(shop.count - before).toBe(1)
    // what follows the first request is refused, not answered
    expect(statuses.slice(1).filter((status) => status !== '400')).toEqual([])
  })
})
