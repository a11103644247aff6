import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { WebSocket } from 'ws'
import type { LabLauncher } from '../lab/launcher.ts'
import { freePort } from '../lab/port.ts'
import { ask } from '../system/client.ts'
import { type Backend, type Seen, startBackend } from './backend.ts'
import { isHaproxy, type LabGateway, openLauncher, startGateway } from './gateway.ts'

const ONE = '11111111aaaaaaaa'
const TWO = '22222222bbbbbbbb'
const THREE = '33333333cccccccc'
const GONE = '99999999ffffffff'
const OTHER = '44444444dddddddd'

let gateway: LabGateway
let launcher: LabLauncher
let one: Backend
let two: Backend
let three: Backend
let other: Backend
let dead: string

const instancesOf = (pairs: [string, string][]) => pairs.map(([id, endpoint]) => ({ id, endpoint }))
const stickyApp = (name: string, pairs: [string, string][]) => ({
  name,
  sticky: true,
  endpoints: pairs.map(([, endpoint]) => endpoint),
  instances: instancesOf(pairs),
})

beforeAll(async () => {
  ;[launcher, one, two, three, other] = await Promise.all([
    openLauncher(),
    startBackend('one'),
    startBackend('two'),
    startBackend('three'),
    startBackend('other'),
  ])
  dead = `127.0.0.1:${await freePort()}`
  gateway = await startGateway({
    launchers: [launcher.address],
    apps: [
      stickyApp('half', [
        [ONE, one.address],
        [GONE, dead],
      ]),
      { name: 'plain', endpoints: [one.address, two.address] },
      stickyApp('other', [[OTHER, other.address]]),
      stickyApp('shop', [
        [ONE, one.address],
        [TWO, two.address],
        [THREE, three.address],
      ]),
    ],
  })
})
afterAll(async () => {
  await gateway.stop()
  await Promise.all([launcher, one, two, three, other].map((part) => part.stop()))
})
beforeEach(() => {
  launcher.asks.length = 0
  launcher.script = () => 'unknown'
  for (const backend of [one, two, three, other]) backend.extra = []
})

async function visit(path: string, cookie?: string, more: object = {}) {
  const headers = { ...(cookie !== undefined && { cookie }) }
  const { status, text, headers: answer } = await ask(gateway.origin, path, { headers, ...more })
  const set = [answer['set-cookie'] ?? []].flat() as string[]
  return { status, seen: JSON.parse(text) as Seen, set }
}
const pin = (id: string) => `reveille_instance=${id}`
const cookieFor = (id: string, prefix = '/shop') =>
  `${pin(id)}; Path=${prefix}/; HttpOnly; SameSite=Lax`
const IDS: Record<string, string> = { one: ONE, two: TWO, three: THREE }

describe('a client of a sticky app', () => {
  it('is balanced at first, and told who answered', async () => {
    const visits = await Promise.all(Array.from({ length: 30 }, () => visit('/shop/x')))
    for (const { seen, set } of visits) expect(set).toEqual([cookieFor(IDS[seen.app] as string)])
    expect(new Set(visits.map(({ seen }) => seen.app)).size).toBeGreaterThan(1)
  })

  it('stays, and is told nothing more', async () => {
    for (const [app, id] of Object.entries(IDS))
      for (let i = 0; i < 10; i++) {
        const { seen, set } = await visit('/shop/x?y=1', `a=1; ${pin(id)}; b=2`)
        expect([seen.app, seen.url, set]).toEqual([app, '/x?y=1', []])
      }
    expect(launcher.asks).toEqual([])
  })

  it('stays by whatever spelling of the name, under that prefix', async () => {
    expect((await visit('/SHOP/x', pin(TWO))).seen.app).toBe('two')
    expect((await visit('/SHOP/x')).set[0]).toContain('Path=/SHOP/;')
  })

  it('stays with a WebSocket too', async () => {
    const socket = new WebSocket(`ws://127.0.0.1:${gateway.port}/shop/ws`, {
      headers: { cookie: pin(THREE) },
    })
    const first = await new Promise<string>((resolve, reject) => {
      socket.on('message', (data) => resolve(data.toString()))
      socket.on('error', reject)
    })
    socket.close()
    expect(JSON.parse(first)).toMatchObject({ app: 'three' })
  })

  it.each(['GET', 'POST', 'DELETE'])(
    'whose instance is dead is answered by another within the same %s, and stays there',
    async (method) => {
      const body = method === 'POST' ? { body: 'abc' } : {}
      for (let i = 0; i < 5; i++) {
        const { status, seen, set } = await visit('/half/x', pin(GONE), { method, ...body })
        expect([status, seen.app, set]).toEqual([200, 'one', [cookieFor(ONE, '/half')]])
        expect(seen.bytes).toBe(method === 'POST' ? 3 : 0)
      }
      expect(launcher.asks).toEqual([])
    },
  )

  it('shows its cookie to the gateway alone', async () => {
    const seenOf = async (cookie: string) => (await visit('/shop/', cookie)).seen.headers.cookie
    expect(await seenOf(pin(ONE))).toBeUndefined()
    expect(await seenOf(`a=1; ${pin(ONE)}`)).toBe('a=1')
    expect(await seenOf(`${pin(ONE)}; b=2; c=3`)).toBe('b=2; c=3')
    expect(await seenOf(`a=1; ${pin(ONE)}; b=2`)).toBe('a=1; b=2')
    expect(await seenOf('not_reveille_instance=x')).toBe('not_reveille_instance=x')
  })
})

describe('a cookie that is not of this app and alive', () => {
  const forged = [
    '',
    GONE,
    OTHER,
    'x'.repeat(4000),
    '127.0.0.1:80',
    'app_shop',
    `shop:${ONE}`,
    `${ONE}:`,
    '../../etc/passwd',
    '%00',
    '$upstream_addr',
  ]

  it.each(forged.map((value) => [value.slice(0, 30), value]))(
    'as %j gets normal balancing and a right one',
    async (_, value) => {
      const apps = new Set<string>()
      for (let i = 0; i < 6; i++) {
        const { status, seen, set } = await visit('/shop/x', pin(value))
        expect(status).toBe(200)
        expect(set).toEqual([cookieFor(IDS[seen.app] as string)])
        apps.add(seen.app)
      }
      expect(apps.size).toBeGreaterThan(1)
    },
  )

  it('never leads to the app it was made for', async () => {
    expect((await visit('/other/', pin(ONE))).seen.app).toBe('other')
    expect((await visit('/other/', pin(OTHER))).set).toEqual([])
  })

  it('is nothing to an app that is not sticky', async () => {
    const visits = await Promise.all(
      Array.from({ length: 20 }, () => visit('/plain/', `a=1; ${pin(ONE)}`)),
    )
    expect(new Set(visits.map(({ seen }) => seen.app)).size).toBe(2)
    for (const { set } of visits) expect(set).toEqual([])
  })
})

it('an app has not the last word on the cookie of the gateway', async () => {
  for (const mine of [pin(TWO), `${pin('')}; Max-Age=0`, `a=1; Path=/`]) {
    one.extra = ['set-cookie', mine]
    const { seen, set } = await visit('/shop/x', pin(ONE))
    expect(seen.app).toBe('one')
    // HAProxy drops the app's, and says nothing that the client said itself.
    if (isHaproxy) expect(set.filter((cookie) => !cookie.startsWith('a=1'))).toEqual([])
    else expect(set.at(-1)).toBe(cookieFor(ONE))
  }
})

describe('a sticky app about which a launcher is asked', () => {
  // HAProxy streams it there without asking: what it could not send it still has.
  if (!isHaproxy)
    it('says whose the upload is, and its client stays with who took it', async () => {
      launcher.script = () => ({ upstream: two.address, cookie: cookieFor(TWO) })
      const body = Buffer.alloc(200_000, 'x')
      const { seen, set } = await visit('/shop/up', pin(TWO), { method: 'POST', body })
      expect([seen.app, seen.bytes, set]).toEqual(['two', 200_000, [cookieFor(TWO)]])
      expect(launcher.asks).toMatchObject([{ app: 'shop', pin: TWO }])
      expect(launcher.faults).toEqual([])
    })

  it('has its upload without one', async () => {
    const alone = await startGateway({
      launchers: [dead],
      apps: [
        stickyApp('shop', [
          [ONE, one.address],
          [TWO, two.address],
        ]),
      ],
    })
    try {
      const body = Buffer.alloc(200_000, 'x')
      const answer = await ask(alone.origin, '/shop/up', { method: 'POST', body })
      expect(JSON.parse(answer.text)).toMatchObject({ bytes: 200_000 })
    } finally {
      await alone.stop()
    }
  })

  it('hands on what a launcher says when it slept', async () => {
    launcher.script = () => ({ upstream: other.address, cookie: cookieFor(OTHER, '/cold') })
    expect((await visit('/cold/x')).set).toEqual([cookieFor(OTHER, '/cold')])
    launcher.script = () => ({ upstream: other.address })
    expect((await visit('/cold/x')).set).toEqual([])
  })

  it('redirects its name without a slash as any other does', async () => {
    const { status, headers } = await ask(gateway.origin, '/shop?x=1')
    expect([status, headers.location]).toEqual([308, '/shop/?x=1'])
  })
})
