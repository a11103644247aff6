import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { signName } from '../../adapters/cookie.ts'
import type { GatewayPlanInput } from '../../controller/plan.ts'
import { hostile } from '../hostile/corpus.ts'
import type { LabLauncher } from '../lab/launcher.ts'
import { type Backend, startBackend } from './backend.ts'
import { isHaproxy, type LabGateway, openLauncher, startGateway } from './gateway.ts'
import { Jar } from './jar.ts'
import { bodyOf, seen, sendRaw, statusOf } from './raw.ts'

const KEY = '0123456789abcdef0123456789abcdef'
let gateway: LabGateway | undefined
let launcher: LabLauncher
let one: Backend
let two: Backend
let home: Backend

beforeAll(async () => {
  ;[launcher, one, two, home] = await Promise.all([
    openLauncher(),
    startBackend('one'),
    startBackend('two'),
    startBackend('home'),
  ])
})
afterAll(async () => {
  await Promise.all([launcher, one, two, home].map((part) => part.stop()))
})
beforeEach(() => {
  launcher.asks.length = 0
  launcher.script = ({ app }) => (app === 'sleeper' ? { upstream: two.address } : 'unknown')
})
afterEach(async () => {
  expect(launcher.faults).toEqual([])
  await gateway?.stop()
  gateway = undefined
})

const begin = async (
  reading: GatewayPlanInput['reading'],
  more: Partial<GatewayPlanInput> = {},
) => {
  const apps = { one, two, home }
  gateway = await startGateway({
    launchers: [launcher.address],
    apps: Object.entries(apps).map(([name, { address }]) => ({
      name,
      endpoints: [address],
      signature: signName(KEY, name),
    })),
    reading,
    ...more,
  })
}
const get = (path: string, head = '', method = 'GET') => {
  const host = /^host:/im.test(head) ? '' : 'Host: g\r\n'
  const lines = head === '' ? '' : `${head}\r\n`
  return sendRaw(
    gateway?.port ?? 0,
    `${method} ${path} HTTP/1.1\r\n${host}${lines}Connection: close\r\n\r\n`,
  )
}
const locationOf = (answer: string): string => /\r\nLocation: (.*)\r\n/i.exec(answer)?.[1] ?? ''

describe('names behind a prefix', () => {
  it('are found there only, with all of it taken away', async () => {
    await begin({ pathPrefix: '/my/apps.v1' })
    for (const [path, app, url, prefix] of [
      ['/my/apps.v1/one/a%2Fb?x=1', 'one', '/a%2Fb?x=1', '/my/apps.v1/one'],
      ['/My/Apps.V1/ONE/', 'one', '/', '/My/Apps.V1/ONE'],
      ['/my/apps.v1/sleeper/x', 'two', '/x', '/my/apps.v1/sleeper'],
    ]) {
      const answer = await get(path as string)
      expect(seen(answer), path).toMatchObject({
        app,
        url,
        headers: { 'x-forwarded-prefix': prefix },
      })
    }
    expect(launcher.asks).toMatchObject([
      { app: 'sleeper', way: 'name', prefix: '/my/apps.v1/sleeper' },
    ])
    expect(locationOf(await get('/my/apps.v1/one?x'))).toBe('/my/apps.v1/one/?x')
    expect(locationOf(await get('/my/apps.v1/one/redirect?to=%2Flogin'))).toBe(
      '/my/apps.v1/one/login',
    )
    for (const path of [
      '/one/',
      '/my/one/',
      '/my/apps.v1/',
      '/my/appsxv1/one/',
      '/my/apps.v1//one/',
      '/',
    ])
      expect(statusOf(await get(path)), path).toBe(404)
    expect(launcher.asks).toHaveLength(1)
  })

  it('come before a route for everything, and after a longer one', async () => {
    await begin(
      { pathPrefix: '/apps' },
      {
        routes: [
          { host: '', path: '/apps/two', exact: false, app: 'home' },
          { host: '', path: '/apps', exact: false, app: 'two' },
          { host: '', path: '', exact: false, app: 'home' },
        ],
      },
    )
    for (const [path, app, url] of [
      ['/apps/one/x', 'one', '/x'],
      ['/apps/two/x', 'home', '/x'],
      ['/apps/%6fne/x', 'two', '/%6fne/x'],
      ['/one/x', 'home', '/one/x'],
      ['/', 'home', '/'],
    ])
      expect(seen(await get(path as string)), path).toMatchObject({ app, url })
  })
})

describe('names below a domain', () => {
  it('are the first label, and the path is all theirs', async () => {
    await begin(
      { domain: 'api.example.com' },
      {
        routes: [
          { host: 'two.api.example.com', path: '/x', exact: false, app: 'home' },
          { host: '', path: '/routed', exact: false, app: 'home' },
        ],
      },
    )
    for (const [host, path, app, url] of [
      ['one.api.example.com', '/a%2Fb?x', 'one', '/a%2Fb?x'],
      ['ONE.API.example.com.:80', '/two/', 'one', '/two/'],
      ['one.api.example.com', '/routed/', 'one', '/routed/'],
      ['two.api.example.com', '/x/y', 'home', '/y'],
      ['sleeper.api.example.com', '/x', 'two', '/x'],
      ['g', '/routed/x', 'home', '/x'],
      ['api.example.com', '/one/x', 'one', '/x'],
    ])
      expect(seen(await get(path as string, `Host: ${host}`)), host).toMatchObject({ app, url })
    expect(launcher.asks).toMatchObject([{ app: 'sleeper', way: 'name' }])
    for (const host of [
      'a.one.api.example.com',
      'one.api-example.com',
      '-x.api.example.com',
      '.api.example.com',
    ])
      expect(statusOf(await get('/', `Host: ${host}`)), host).toBe(404)
    expect(launcher.asks).toHaveLength(1)
  })
})

describe('a cookie that names an app', () => {
  const reading = { cookie: 'instance', fallback: '/home' }

  it('leads there from every path that nothing else leads from', async () => {
    await begin(reading)
    for (const [path, url] of [
      ['/', '/'],
      ['/a%2Fb?x=1', '/a%2Fb?x=1'],
      ['/two/x', '/two/x'],
      // nginx reads it, HAProxy hands it on
      ['/%', isHaproxy ? '/%' : 0],
    ] as const) {
      const answer = await get(path, 'Cookie: a=b; instance=One; c=d')
      if (url === 0) expect(statusOf(answer)).toBe(400)
      else expect(seen(answer)).toMatchObject({ app: 'one', url })
    }
    expect(
      seen(await get('/', 'Cookie: instance=one')).headers['x-forwarded-prefix'],
    ).toBeUndefined()
    expect(launcher.asks).toEqual([])
    expect(seen(await get('/x', 'Cookie: instance=sleeper')).app).toBe('two')
    expect(launcher.asks).toMatchObject([{ app: 'sleeper', way: 'cookie', proof: 'sleeper' }])
  })

  it('is not needed where who has none is sent, asleep or not', async () => {
    await begin(reading, { apps: [{ name: 'one', endpoints: [one.address] }] })
    launcher.script = ({ app }) => (app === 'home' ? { upstream: home.address } : 'unknown')
    expect(locationOf(await get('/'))).toBe('/home')
    expect(locationOf(await get('/home'))).toBe('/home/')
    expect(seen(await get('/home/login?x', 'Cookie: instance=one'))).toMatchObject({
      app: 'home',
      url: '/login?x',
    })
    expect(launcher.asks.map(({ app, way }) => `${app} ${way}`)).toEqual([
      'home route',
      'home route',
    ])
    // nobody there: no circle
    launcher.script = () => 'unknown'
    expect(statusOf(await get('/home/'))).toBe(404)
  })

  it('leads to the fallback where it names nobody, in whatever way', async () => {
    await begin(reading)
    const heads = [
      '',
      'Cookie: other=one',
      'Cookie: instance=',
      'Cookie: instance=nobody',
      'Cookie: instance="one"',
      'Cookie: instance=%6fne',
      'Cookie: instance=one two',
      'Cookie: instance=one /x /y',
      'Cookie: instance=one/../two',
      'Cookie: instance=-one',
      'Cookie: instance=one.two',
      `Cookie: instance=${'a'.repeat(64)}`,
      `Cookie: instance=${'A'.repeat(8000)}`,
      'Cookie: instance=nobody; instance=one',
      'Cookie: instance=one; instance=two',
      'Cookie: instance=one; a=b;   instance=one',
      'Cookie: xinstance=one',
      ...hostile('cookie').map(
        ({ value }) => `Cookie: ${value.replaceAll('gw_instance', 'instance')}`,
      ),
    ]
    for (const head of heads) {
      for (const [method, path] of [
        ['GET', '/'],
        ['POST', '/one/x'],
        ['GET', '/_x'],
      ] as const) {
        const answer = await get(path, head, method)
        expect(statusOf(answer), head).toBe(302)
        expect(locationOf(answer)).toBe('/home')
        expect(answer).toMatch(/\r\nCache-Control: no-store\r\n/i)
      }
      for (const { app } of launcher.asks) expect(app).toMatch(/^(?:nobody|a)$/)
    }
  })

  it('leads nowhere that its name does not lead', async () => {
    await begin(reading, {
      apps: [{ name: 'two', named: false, endpoints: [two.address] }],
      routes: [{ host: '', path: '/routed', exact: false, app: 'two' }],
    })
    expect(seen(await get('/routed/')).app).toBe('two')
    expect(locationOf(await get('/', 'Cookie: instance=two'))).toBe('/home')
  })

  it('comes after names behind a prefix, and after routes', async () => {
    await begin(
      { ...reading, pathPrefix: '/apps' },
      { routes: [{ host: 'two.example.com', path: '', exact: false, app: 'two' }] },
    )
    const cookie = 'Cookie: instance=one'
    expect(seen(await get('/apps/two/x', cookie))).toMatchObject({ app: 'two', url: '/x' })
    expect(seen(await get('/two/x', cookie))).toMatchObject({ app: 'one', url: '/two/x' })
    expect(seen(await get('/', `Host: two.example.com\r\n${cookie}`)).app).toBe('two')
    expect(statusOf(await get('/apps/nobody/'))).toBe(404)
  })

  it('has pages and events of its own app, and none of the gateway paths', async () => {
    await begin(reading)
    launcher.script = () => ({ page: { kind: 'waiting' } })
    const answer = await get('/', 'Cookie: instance=sleeper')
    expect(statusOf(answer)).toBe(503)
    expect(answer).toContain(isHaproxy ? '"app":"sleeper"' : 'of sleeper for GET /')
    for (const path of ['/_reveille/', '/_reveille/x', '/_reveille/events/'])
      expect(statusOf(await get(path, 'Cookie: instance=one')), path).toBe(404)
    expect(bodyOf(await get('/_reveille/generation', 'Cookie: instance=one'))).toContain('1')
  })

  it('is answered by a redirect where that is wanted, and the launcher says so', async () => {
    await begin({ ...reading, cookieAnswer: 'redirect' })
    expect(seen(await get('/x', 'Cookie: instance=sleeper')).app).toBe('two')
    expect(launcher.asks).toMatchObject([{ app: 'sleeper', answer: 'redirect' }])
    launcher.script = () => 'awake'
    const answer = await get('/x', 'Cookie: instance=sleeper', 'POST')
    expect([statusOf(answer), locationOf(answer)]).toEqual([302, '/'])
    await get('/home/')
    expect(launcher.asks.filter(({ answer }) => answer === undefined)).toEqual([])
  })

  it('is given out by its home for the whole site, and other cookies by nobody', async () => {
    await begin({ ...reading, pathPrefix: '/apps' })
    for (const backend of [home, one])
      backend.extra = [
        ...['Set-Cookie', 'instance=one; Path=/; HttpOnly'],
        ...['Set-Cookie', 'own=1'],
      ]
    const cookies = (answer: string): string[] =>
      answer.match(/(?<=\r\nSet-Cookie: ).*(?=\r)/gi) ?? []
    try {
      expect(cookies(await get('/home/login'))).toEqual(['instance=one; Path=/; HttpOnly', 'own=1'])
      // of another app it is dropped, or said again as it was before: the client had none
      const naming = isHaproxy
        ? ['reveille_refused=; Max-Age=0', 'own=1']
        : [
            ...['instance=one; Path=/apps/one/; HttpOnly', 'own=1'],
            ...['instance=; Max-Age=0', 'instance=; Path=/; Max-Age=0'],
          ]
      expect(cookies(await get('/apps/one/'))).toEqual(naming)
    } finally {
      for (const backend of [home, one]) backend.extra = []
    }
  })

  describe('that another app sets', () => {
    const visit = async (jar: Jar, path: string) => {
      const cookies = jar.header(path)
      const answer = await get(path, cookies === '' ? '' : `Cookie: ${cookies}`)
      jar.take(answer, path)
      return answer
    }
    const loggedIn = () => {
      const jar = new Jar()
      jar.take('\r\nSet-Cookie: instance=one; Path=/; HttpOnly\r\n', '/home/login')
      return jar
    }
    const forms = [
      ['instance=two; Path=/'],
      ['Instance=two; Path=/', 'instance=two; HttpOnly; Path=/; Max-Age=1000'],
      ['instance=two'],
      ['instance=two; Path='],
      ['instance = two ; path=/'],
      ['instance\t=two;Path=/'],
      ['other=1; Path=/', 'instance=two; Path=/'],
      ['instance=; Path=/; Max-Age=0', 'instance=two; Path=/'],
      ['other=x,instance=two; Path=/'],
    ]

    for (const form of forms)
      it(`changes nothing: ${JSON.stringify(form)}`, async () => {
        await begin(reading)
        const jar = loggedIn()
        one.extra = form.flatMap((cookie) => ['Set-Cookie', cookie])
        try {
          for (const path of ['/a/b', '/', '/a/c'])
            expect(seen(await visit(jar, path)).app, path).toBe('one')
          // who has none gets none
          const stranger = new Jar()
          await begin(
            { ...reading, pathPrefix: '/apps' },
            { routes: [{ host: '', path: '/one', exact: true, app: 'one' }] },
          )
          for (const path of ['/one', '/apps/one/x'])
            expect(seen(await visit(stranger, path)).app).toBe('one')
          for (const path of ['/', '/a/b'])
            expect(locationOf(await visit(stranger, path))).toBe('/home')
        } finally {
          one.extra = []
        }
      })

    // nginx cannot take these back: who has a second cookie is sent to the fallback, and to no other app
    for (const form of [
      ['instance=two;\tPath=/c'],
      ['=instance=two; Path=/'],
      ['instance=two; Path=/c'],
    ])
      it(`leads a client that has one to no other app: ${JSON.stringify(form)}`, async () => {
        await begin(reading)
        const jar = loggedIn()
        one.extra = form.flatMap((cookie) => ['Set-Cookie', cookie])
        try {
          await visit(jar, '/a/b')
          const answer = await visit(jar, '/c/d')
          if (isHaproxy) expect(seen(answer).app).toBe('one')
          else expect(locationOf(answer)).toBe('/home')
        } finally {
          one.extra = []
        }
      })

    it('while it sleeps, as well, and other cookies of it are its own', async () => {
      await begin(reading)
      launcher.script = () => ({ upstream: two.address })
      const jar = new Jar()
      jar.take('\r\nSet-Cookie: instance=sleeper; Path=/\r\n', '/')
      two.extra = ['Set-Cookie', 'instance=one; Path=/', 'Set-Cookie', 'own=1; Path=/']
      try {
        await visit(jar, '/')
        expect(jar.header('/').split('; ').sort()).toEqual(['instance=sleeper', 'own=1'])
      } finally {
        two.extra = []
      }
    })
  })

  it('may have another name, and another place for who has none', async () => {
    await begin({ cookie: 'Box_1', fallback: 'https://login.example.com/start?from=/' })
    expect(seen(await get('/', 'Cookie: Box_1=one')).app).toBe('one')
    expect(locationOf(await get('/'))).toBe('https://login.example.com/start?from=/')
    await gateway?.stop()
    await begin({ cookie: 'instance' })
    expect(statusOf(await get('/'))).toBe(404)
  })
})

describe('a signed cookie', () => {
  const reading = { cookie: 'instance', fallback: '/home', signed: true }
  const signed = (name: string) => `${name}.${signName(KEY, name)}`

  it('leads to its app beside a pool, whose uploads need no proof', async () => {
    const apps = [one, two].map(({ address }, index) => {
      const name = ['one', 'pooled'][index] as string
      return { name, endpoints: [address], signature: signName(KEY, name), pool: index === 1 }
    })
    await begin(reading, { apps })
    for (const [name, app] of [
      ['one', 'one'],
      ['pooled', 'two'],
    ] as const) {
      const answer = await get('/x', `Cookie: instance=${signed(name)}`)
      expect(statusOf(answer), name).toBe(200)
      expect(seen(answer)).toMatchObject({ app, url: '/x' })
    }
    expect(launcher.asks).toEqual([])
  })

  it('leads to its app, awake without a question, asleep with its proof', async () => {
    await begin(reading)
    expect(seen(await get('/x', `Cookie: instance=${signed('one')}`))).toMatchObject({
      app: 'one',
      url: '/x',
    })
    expect(seen(await get('/x', `Cookie: instance=${signed('one').toUpperCase()}`)).app).toBe('one')
    expect(launcher.asks).toEqual([])
    expect(seen(await get('/x', `Cookie: instance=${signed('sleeper')}`)).app).toBe('two')
    expect(launcher.asks).toMatchObject([
      { app: 'sleeper', way: 'claim', proof: signed('sleeper') },
    ])
  })

  it('that is none selects nothing', async () => {
    await begin(reading)
    const cookies = [
      'one',
      'one.',
      `one.${'0'.repeat(64)}`,
      `one.${signName(KEY, 'two')}`,
      `two.${signName(KEY, 'one')}`,
      `one.${signName('another-key-of-some-length', 'one')}`,
      `"one.${signName(KEY, 'one')}"`,
      `one.${signName(KEY, 'one')}0`,
      `one.${signName(KEY, 'one').slice(1)}`,
      `one%2E${signName(KEY, 'one')}`,
      `x; instance=one.${signName(KEY, 'one')}`,
      `${signed('one')}; instance=x`,
      `${signed('one')}; instance=${signed('two')}`,
    ]
    const before = one.count + two.count
    for (const cookie of cookies) {
      launcher.asks.length = 0
      const answer = await get('/', `Cookie: instance=${cookie}`)
      expect([statusOf(answer), locationOf(answer)], cookie).toEqual([302, '/home'])
      // what might be true is a launcher's to judge, with all that was said
      for (const { way, proof } of launcher.asks) expect([way, proof]).toEqual(['claim', cookie])
    }
    expect(one.count + two.count).toBe(before)
  })
})

describe('a gateway that has everything', () => {
  it('keeps its words apart', async () => {
    const { address } = two
    await begin(
      {
        ...{ cookie: 'path', fallback: '/home', signed: true },
        domain: 'api.example.com',
        pathPrefix: '/p',
      },
      {
        apps: [
          { name: 'one', endpoints: [one.address], signature: signName(KEY, 'one') },
          { name: 'pool', endpoints: [address], pool: true, signature: signName(KEY, 'pool') },
          { name: 'home', endpoints: [home.address], signature: signName(KEY, 'home') },
          {
            ...{ name: 'x'.repeat(63), endpoints: [address, '127.0.0.1:1'], sticky: true },
            ...{ signature: signName(KEY, 'x'.repeat(63)) },
            instances: [
              { id: '0123456789abcdef', endpoint: address },
              { id: 'fedcba9876543210', endpoint: '127.0.0.1:1' },
            ],
          },
        ],
        routes: [
          {
            host: `${'a'.repeat(63)}.${'b'.repeat(63)}.c`,
            path: `/${'d'.repeat(70)}`,
            exact: true,
            app: 'one',
          },
          { host: '', path: '/pool', exact: false, app: 'pool' },
        ],
      },
    )
    const cookie = (name: string) => `Cookie: path=${name}.${signName(KEY, name)}`
    if (!isHaproxy) {
      const large = 'y'.repeat(200_000)
      const upload = await sendRaw(
        gateway?.port ?? 0,
        `POST /x HTTP/1.1\r\nHost: g\r\n${cookie('one')}\r\nContent-Length: ${large.length}\r\nConnection: close\r\n\r\n${large}`,
      )
      // an upload asks a launcher, with the proof; this one knows nobody
      expect(locationOf(upload)).toBe('/home')
      expect(launcher.asks).toMatchObject([{ app: 'one', way: 'cookie' }])
    }
    expect(seen(await get('/x', cookie('one'))).app).toBe('one')
    expect(seen(await get('/x', cookie('pool'))).app).toBe('two')
    expect(seen(await get('/pool/x')).app).toBe('two')
    expect(seen(await get('/p/one/x')).app).toBe('one')
    expect(seen(await get('/x', 'Host: one.api.example.com')).app).toBe('one')
    expect(locationOf(await get('/x', 'Cookie: path=1'))).toBe('/home')
    const sticky = await get('/', cookie('x'.repeat(63)))
    expect(sticky).toMatch(/\r\nSet-Cookie: reveille_instance=0123456789abcdef; Path=\/;/i)
  })
})

describe('what there is not', () => {
  it('may be forbidden instead', async () => {
    await begin({ unknown: '403' })
    for (const path of ['/', '/nobody/', '/_x']) {
      const answer = await get(path)
      expect(statusOf(answer), path).toBe(403)
      expect(seen(answer)).toMatchObject({ status: 403 })
      expect(statusOf(await get(path, 'Accept: text/html'))).toBe(403)
    }
    // an app's own 404 stays one
    expect(statusOf(await get('/one/status/404'))).toBe(404)
  })
})
