import { stat, writeFile } from 'node:fs/promises'
import type { IncomingHttpHeaders } from 'node:http'
import { join } from 'node:path'
import { Etcd3 } from 'etcd3'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { signName } from '../../adapters/cookie.ts'
import type { AppInput } from '../../model/app.ts'
import { hostile } from '../hostile/corpus.ts'
import { labEngine } from '../lab/engine.ts'
import { temporaryFolder } from '../lab/folder.ts'
import { ask, askUntil } from './client.ts'
import { type Cluster, startCluster } from './cluster.ts'
import { countStarts } from './starts.ts'

const KEY = 'k'.repeat(32)
let cluster: Cluster

const add = (name: string, more: Partial<AppInput> = {}) =>
  cluster.add({
    name,
    image: 'reveille-test/app:1',
    env: { NAME: name },
    startTimeout: '30s',
    ...more,
  })
const sleep = (name: string) => cluster.api('POST', `/v1/apps/${name}/sleep`)
const stateOf = async (name: string): Promise<string> =>
  JSON.parse((await cluster.api('GET', `/v1/apps/${name}`)).text).status.state
const get = (path: string, headers: Record<string, string> = {}, method = 'GET') =>
  ask(cluster.origin, path, { headers, method })
const seen = (text: string) => JSON.parse(text) as { app: string; url: string; headers: object }

/** A request by which nobody is woken, sent until the gateway leads it to the app. */
const routed = (path: string, headers: Record<string, string>) =>
  askUntil(cluster.origin, path, ({ status }) => status === 200, 30, headers)

describe('hosts and paths', () => {
  beforeAll(async () => {
    cluster = await startCluster(['--domain', 'api.example.com'])
  })
  afterAll(async () => cluster.stop())

  it('lead to an app that never ran, and to it again when it sleeps', async () => {
    await add('shop', { routes: ['shop.example.com', '/foo/bar', '=/only/this'] })
    const first = await routed('/a%2Fb?x', { host: 'shop.example.com' })
    expect(seen(first?.text ?? '')).toMatchObject({ app: 'shop', url: '/a%2Fb?x' })
    expect(seen((await get('/foo/bar/x')).text)).toMatchObject({
      ...{ app: 'shop', url: '/x', headers: { 'x-forwarded-prefix': '/foo/bar' } },
    })
    expect(seen((await get('/only/this?x')).text)).toMatchObject({ app: 'shop', url: '/?x' })
    await sleep('shop')
    await expect.poll(() => stateOf('shop'), { timeout: 30_000 }).toBe('asleep')
    const again = await get('/y', { host: 'shop.example.com' })
    expect(seen(again.text)).toMatchObject({ app: 'shop', url: '/y' })
    expect(await stateOf('shop')).toBe('ready')
  }, 120_000)

  it('may be all that leads to an app', async () => {
    await add('db', { route: 'none', routes: ['db.example.com'] })
    expect((await get('/db/')).status).toBe(404)
    expect((await get('/', { host: 'db.api.example.com' })).status).toBe(404)
    expect(await stateOf('db')).toBe('asleep')
    const answer = await routed('/', { host: 'db.example.com' })
    expect(seen(answer?.text ?? '').app).toBe('db')
    expect((await get('/db/')).status).toBe(404)
  }, 60_000)

  it('below a domain are names', async () => {
    await add('lone')
    const answer = await get('/x?y', { host: 'lone.api.example.com' })
    expect(seen(answer.text)).toMatchObject({ app: 'lone', url: '/x?y' })
    expect((await get('/', { host: 'nobody.api.example.com' })).status).toBe(404)
  }, 60_000)

  it('keep clients with an instance, from the request that wakes it on', async () => {
    const routes = ['stays.example.com', '/stays/here']
    await add('stays', { sticky: true, routes })
    const pathOf = (headers: IncomingHttpHeaders) =>
      /^reveille_instance=[0-9a-f]{16}; Path=(.*?);/.exec(headers['set-cookie']?.[0] ?? '')?.[1]
    const byHost = await routed('/x', { host: 'stays.example.com' })
    expect(pathOf(byHost?.headers ?? {})).toBe('/')
    expect(pathOf((await get('/stays/here/x')).headers)).toBe('/stays/here/')
    expect(pathOf((await get('/stays/x')).headers)).toBe('/stays/')
  }, 60_000)

  it('belong to the older of two apps, and the gateway names the other', async () => {
    await add('thief', { routes: ['/foo/bar', '/thief/own'] })
    const answer = await routed('/thief/own/', {})
    expect(seen(answer?.text ?? '').app).toBe('thief')
    expect(seen((await get('/foo/bar/')).text).app).toBe('shop')
    const rejected = async () =>
      JSON.parse((await cluster.api('GET', '/v1/gateways')).text).gateways[0].rejected
    await expect
      .poll(rejected, { timeout: 10_000 })
      .toEqual([
        { key: '/services/apps/thief', reason: 'not its routes: /foo/bar belongs to shop' },
      ])
    const gone = await cluster.api('DELETE', '/v1/apps/shop')
    expect(gone.status).toBe(200)
    const now = await askUntil(
      cluster.origin,
      '/foo/bar/',
      ({ status, text }) => status === 200 && seen(text).app === 'thief',
      15,
    )
    expect(now?.status).toBe(200)
  }, 90_000)
})

describe.each([
  ['held', 'hold'],
  ['sent to / once it is awake', 'redirect'],
])('a signed cookie whose request is %s', (_, answer) => {
  // one engine runs them all
  const [minion, home] = [`minion-${answer}`, `home-${answer}`]
  const cookie = (name: string) => ({ cookie: `instance=${name}.${signName(KEY, name)}` })

  beforeAll(async () => {
    const key = join(await temporaryFolder(), 'key')
    await writeFile(key, `${KEY}\n`)
    cluster = await startCluster([
      ...['--cookie', 'instance', '--fallback', `/${home}`, '--cookie-key-file', key],
      ...['--cookie-answer', answer],
    ])
    await add(minion)
    await add(home)
  })
  afterAll(async () => cluster.stop())

  it('wakes its app, and then leads straight there', async () => {
    const starts = await countStarts(labEngine().url, minion)
    const first = await get('/', cookie(minion))
    if (answer === 'redirect') {
      expect([first.status, first.headers.location]).toEqual([302, '/'])
      // no circle, whether the gateway has the route yet or not
      expect((await get('/', cookie(minion))).status).toBe(200)
    } else expect(seen(first.text)).toMatchObject({ app: minion, url: '/' })
    const asks = async () =>
      /reveille_wake_requests_total{[^}]*upstream[^}]*} (\d+)/.exec(await cluster.metrics())?.[1]
    const straight = async (): Promise<boolean> => {
      const before = await asks()
      expect((await get('/x', cookie(minion))).status).toBe(200)
      return (await asks()) === before
    }
    await expect.poll(straight, { timeout: 15_000 }).toBe(true)
    expect(await starts.stop()).toBe(1)
  }, 90_000)

  it('is signed in a configuration that is not for others to read', async () => {
    const { mode } = await stat(join(cluster.runDir, 'nginx.conf'))
    expect(mode & 0o007).toBe(0)
  })

  it('that there is none of, or is another one, leads to the home, which is woken', async () => {
    const cookies = [
      ...[undefined, `instance=${minion}`, `instance=${minion}.${'0'.repeat(64)}`],
      ...[`instance=${home}.${signName(KEY, minion)}`, cookie('nobody').cookie, 'other=1'],
      ...hostile('cookie').map(({ value }) => value.replaceAll('gw_instance', 'instance')),
    ]
    for (const text of cookies) {
      const { status, headers } = await get('/', text === undefined ? {} : { cookie: text })
      expect([status, headers.location], text).toEqual([302, `/${home}`])
    }
    expect(await stateOf(home)).toBe('asleep')
    const etcd = new Etcd3({ hosts: cluster.etcd.url })
    const keys = await etcd.namespace('/services/claims/').getAll().keys()
    etcd.close()
    expect(keys.filter((key) => !/^(?:minion|home)-/.test(key))).toEqual([])
    expect(seen((await get(`/${home}/login`, cookie(minion))).text)).toMatchObject({
      ...{ app: home, url: '/login' },
    })
  }, 90_000)
})
