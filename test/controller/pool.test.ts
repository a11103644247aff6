import { createHash, randomBytes } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ask } from '../system/client.ts'
import { type Backend, startBackend } from '../templates/backend.ts'
import { isHaproxy, isLive } from '../templates/gateway.ts'
import { type LabController, startControllerLab } from './gateway.ts'

const soon = <T>(look: () => T) => expect.poll(look, { timeout: 20_000, interval: 50 })

let lab: LabController
let backends: Backend[]
/** answers whatever it is asked, which is counted */
let launcher: Backend

beforeAll(async () => {
  backends = await Promise.all(['zero', 'first', 'second'].map((name) => startBackend(name)))
  launcher = await startBackend('launcher')
  lab = await startControllerLab(() => ({ launchers: [launcher.address] }))
  for (const [slot, { address }] of backends.entries())
    await lab.store.put(`/services/clusters/web${slot === 0 ? '' : `/${slot}`}`, address)
})
afterAll(async () => {
  await lab.stop()
  await launcher.stop()
  await Promise.all(backends.map((backend) => backend.stop()))
})

const pool = async (more: object) => {
  const revision = await lab.store.put(
    '/services/pools/web',
    JSON.stringify({ name: 'web', ...more }),
  )
  await soon(async () => BigInt((await lab.record())?.applied ?? 0) >= BigInt(revision)).toBe(true)
}
const visit = async (headers: Record<string, string> = {}, localAddress?: string) => {
  const answer = await ask(lab.origin, '/web/x', {
    headers,
    ...(localAddress !== undefined && { localAddress }),
  })
  const by = (JSON.parse(answer.text) as { app: string }).app
  return { by, cookie: [answer.headers['set-cookie'] ?? []].flat()[0]?.split(';')[0] ?? '' }
}
const names = async (count: number, from: (index: number) => string | undefined) => {
  const found: string[] = []
  for (let index = 0; index < count; index++) found.push((await visit({}, from(index))).by)
  return found
}

describe('a pool', () => {
  it('keeps a client by its address, all of it, and spreads others', async () => {
    await pool({ balance: 'ip_hash' })
    const address = (index: number) => `127.0.0.${1 + (index % 60)}`
    const first = await names(60, address)
    expect(new Set(first).size).toBe(3)
    expect(await names(60, address)).toEqual(first)
    // one less moves its own clients only
    await lab.store.remove('/services/clusters/web/2')
    await soon(async () => (await lab.record())?.endpoints).toBe(2)
    const then = await names(60, address)
    for (const [index, by] of first.entries()) if (by !== 'second') expect(then[index]).toBe(by)
    await lab.store.put('/services/clusters/web/2', (backends[2] as Backend).address)
    await soon(async () => (await lab.record())?.endpoints).toBe(3)
    expect(await names(60, address)).toEqual(first)
  })

  it('keeps a client by a cookie', async () => {
    await pool({ balance: 'sticky' })
    const clients = await Promise.all(Array.from({ length: 20 }, () => visit()))
    for (const { by, cookie } of clients) {
      expect(cookie).toMatch(/^reveille_instance=[0-9a-f]{16}$/)
      expect((await visit({ cookie })).by).toBe(by)
    }
  })

  it('gives a server its weight, and all their patience', async () => {
    const [heavy, light] = backends as [Backend, Backend]
    const weights = { [heavy.address]: 200 }
    await pool({ weight: 10, weights, maxFails: 7, failTimeout: 300 })
    const line = (address: string, weight: number) =>
      isLive
        ? `${address}*${weight}`
        : isHaproxy
          ? `'${address}' weight ${weight} downinter 300s error-limit 7 `
          : `server "${address}" weight=${weight} max_fails=7 fail_timeout=300s;`
    await soon(() => lab.routes()).toContain(line(heavy.address, 200))
    const text = await lab.routes()
    expect(text).toContain(line(light.address, 10))
    if (isLive) expect(text).toContain('\nweb\tnp\t7\t300\t')
    const count = (await names(60, () => undefined)).filter((name) => name === 'zero').length
    expect(count).toBeGreaterThan(40)
  })

  it('is at the root and at one exact path, as its routes say, with its cookie there', async () => {
    await lab.put('api', (backends[2] as Backend).address)
    await lab.store.put(
      '/services/pools/api',
      JSON.stringify({ name: 'api', routes: ['=/api/student'] }),
    )
    await pool({ routes: ['/'], balance: 'sticky' })
    const at = async (path: string) => {
      const { text, headers } = await ask(lab.origin, path)
      return {
        ...(JSON.parse(text) as { app: string; url: string }),
        cookie: headers['set-cookie'],
      }
    }
    await soon(async () => (await at('/api/student')).url).toBe('/')
    for (const path of ['/api/student', '/api/student/'])
      expect(await at(path)).toMatchObject({ app: 'second', url: '/' })
    expect(await at('/api/student?x=1')).toMatchObject({ app: 'second', url: '/?x=1' })
    for (const path of ['/', '/api/student/1', '/api', '/api/students', '/nobody/x']) {
      const { url, cookie } = await at(path)
      expect(url).toBe(path)
      expect(cookie?.[0]).toMatch(/^reveille_instance=[0-9a-f]{16}; Path=\/;/)
    }
    await lab.store.put(
      '/services/pools/api',
      '{"name":"api","routes":["=/api/student"],"balance":"sticky"}',
    )
    // A browser sends it to both (RFC 6265, 5.1.4).
    for (const path of ['/api/student', '/api/student/'])
      await soon(async () => (await at(path)).cookie?.[0]).toMatch(
        /^reveille_instance=[0-9a-f]{16}; Path=\/api\/student;/,
      )
    await lab.store.remove('/services/clusters/api')
    await pool({})
  })

  it('that says nonsense changes nothing', async () => {
    const before = await lab.configuration()
    await lab.store.put(
      '/services/pools/web',
      '{"name":"web","balance":"x; } server { listen 81; }"}',
    )
    await soon(async () => (await lab.record())?.rejected.map(({ key }) => key)).toEqual([
      '/services/pools/web',
    ])
    expect(await lab.configuration()).toBe(before)
  })
})

describe('an upload to a pool', () => {
  it.each(['ip_hash', 'sticky', 'least'])('is balanced as all else is: %s', async (balance) => {
    await pool({ balance })
    const first = await visit()
    const body = randomBytes(300_000)
    const headers = { cookie: first.cookie }
    const { status, text } = await ask(lab.origin, '/web/up', { method: 'POST', headers, body })
    const { app, sha1, bytes } = JSON.parse(text) as { app: string; sha1: string; bytes: number }
    expect({ status, sha1, bytes }).toEqual({
      ...{ status: 200, bytes: body.length, sha1: createHash('sha1').update(body).digest('hex') },
    })
    if (balance !== 'least') expect(app).toBe(first.by)
    expect(['zero', 'first', 'second']).toContain(app)
    // An HAProxy asks its launchers all the time whether they live.
    if (!isHaproxy) expect(launcher.count).toBe(0)
  })
})
