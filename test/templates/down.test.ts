import { randomBytes } from 'node:crypto'
import { Readable } from 'node:stream'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { LabLauncher } from '../lab/launcher.ts'
import { freePort } from '../lab/port.ts'
import { ask, sha1 } from '../system/client.ts'
import { type Backend, startBackend } from './backend.ts'
import { isHaproxy, type LabGateway, openLauncher, startGateway } from './gateway.ts'

let shop: Backend
const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms))
const started: { stop(): Promise<void> }[] = []

beforeAll(async () => {
  shop = await startBackend('shop')
})
afterAll(async () => {
  for (const part of started.reverse()) await part.stop()
  await shop.stop()
})

async function gatewayWith(launchers: string[], holdTimeout = 10): Promise<LabGateway> {
  const gateway = await startGateway({
    launchers,
    holdTimeout,
    apps: [{ name: 'shop', endpoints: [shop.address] }],
  })
  started.push(gateway)
  return gateway
}

async function labLauncher(): Promise<LabLauncher> {
  const launcher = await openLauncher()
  started.push(launcher)
  return launcher
}

describe.each(['is down', 'was never registered'])('where the launcher %s', (which) => {
  let gateway: LabGateway

  beforeAll(async () => {
    gateway = await gatewayWith(which === 'is down' ? [`127.0.0.1:${await freePort()}`] : [])
  })

  it('running apps go on, uploads included', async () => {
    expect((await ask(gateway.origin, '/shop/')).status).toBe(200)
    const body = randomBytes(3 * 1024 ** 2)
    for (const sent of [body, Readable.from([body.subarray(0, 1e6), body.subarray(1e6)])]) {
      const answer = await ask(gateway.origin, '/shop/up', { method: 'POST', body: sent })
      expect(answer.status).toBe(200)
      expect(JSON.parse(answer.text)).toMatchObject({ sha1: sha1(body) })
    }
  })

  it('others are told to come back, as HTML or as problem details', async () => {
    const problem = await ask(gateway.origin, '/cold/', { method: 'POST', body: 'x' })
    expect(problem).toMatchObject({ status: 503, headers: { 'retry-after': '2' } })
    expect(JSON.parse(problem.text)).toMatchObject({ status: 503, retryAfter: 2 })
    const page = await ask(gateway.origin, '/cold', { headers: { accept: 'text/html' } })
    expect(page).toMatchObject({ status: 503, headers: { 'cache-control': 'no-store' } })
    if (!isHaproxy) expect(page.text).toContain('<meta http-equiv="refresh"')
  })

  it('what can be no app is still not found', async () => {
    expect((await ask(gateway.origin, '/%7B%7B7*7%7D%7D/')).status).toBe(404)
  })
})

// What is carried is held by the launcher that carries it: it is not asked again.
if (!isHaproxy)
  describe('where a launcher is frozen', () => {
    it('another one is asked long before the hold timeout, and nobody asks it again soon', async () => {
      const launchers = [await labLauncher(), await labLauncher()]
      for (const launcher of launchers) launcher.script = () => ({ upstream: shop.address })
      const gateway = await startGateway({
        launchers: launchers.map(({ address }) => address),
        holdTimeout: 30, // told to say after 4 s that a question is held
      })
      started.push(gateway)
      await ask(gateway.origin, '/cold/')
      const frozen = launchers.find(({ asks }) => asks.length > 0) as LabLauncher
      frozen.script = () => new Promise(() => {})
      const began = performance.now()
      const held = await Promise.all(
        Array.from({ length: 50 }, () =>
          ask(gateway.origin, '/cold/x', { method: 'POST', body: 'x' }),
        ),
      )
      expect(held.map(({ status }) => status)).toEqual(Array(50).fill(200))
      expect(performance.now() - began).toBeLessThan(15_000)
      const before = frozen.asks.length
      for (let i = 0; i < 10; i++) expect((await ask(gateway.origin, '/cold/')).status).toBe(200)
      expect(frozen.asks.length - before).toBe(0)
    })

    it('and there is no other, it is asked once more before the question ends', async () => {
      const launcher = await labLauncher()
      launcher.script = () => new Promise(() => {})
      const gateway = await startGateway({ launchers: [launcher.address], holdTimeout: 1 })
      started.push(gateway)
      const answer = await ask(gateway.origin, '/cold/')
      expect(answer.status).toBe(503)
      expect(launcher.asks).toHaveLength(2)
    })
  })

if (!isHaproxy)
  describe('where all launchers are late at once, as on a machine that is far too busy', () => {
    it('nobody is sent away: they live', async () => {
      const launchers = [await labLauncher(), await labLauncher()]
      const gateway = await gatewayWith(launchers.map(({ address }) => address))
      let asked = 0
      let goOn = (): void => {}
      const stalled = new Promise<void>((resolve) => {
        goOn = resolve
      })
      for (const launcher of launchers)
        launcher.script = async ({ app = '' }) => {
          asked += 1
          await stalled
          return app.startsWith('paged') ? { page: { is: 'late' } } : { upstream: shop.address }
        }
      const names = Array.from({ length: 40 }, (_, i) => `${i % 4 ? 'cold' : 'paged'}${i}`)
      const asking = Promise.all(names.map((name) => ask(gateway.origin, `/${name}/`)))
      await expect.poll(() => asked).toBeGreaterThanOrEqual(names.length)
      await pause(3_500) // longer than the 3 s after which one counts as frozen
      goOn()
      const answers = await asking
      for (const [i, { status, text }] of answers.entries())
        if (i % 4) expect(status).toBe(200)
        else expect(text).toContain('page {"is":"late"}')
      // both were asked, and given up at once
      for (const { asks } of launchers) expect(asks.length).toBeGreaterThan(20)
    })
  })

if (!isHaproxy)
  describe('where a launcher holds a question for long', () => {
    it('it is asked again and again, told how long it was, and the body goes to the app once', async () => {
      const launcher = await labLauncher()
      launcher.script = ({ round = '' }) =>
        round.length < 8 ? 'again' : { upstream: shop.address }
      const gateway = await gatewayWith([launcher.address])
      const body = randomBytes(300_000)
      const before = shop.count
      const answer = await ask(gateway.origin, '/cold/up', { method: 'POST', body })
      expect(JSON.parse(answer.text)).toMatchObject({ sha1: sha1(body), url: '/up' })
      expect(shop.count - before).toBe(1)
      expect(launcher.asks.map(({ round = '' }) => round.length)).toEqual([
        0, 1, 2, 3, 4, 5, 6, 7, 8,
      ])
      expect(new Set(launcher.asks.map(({ slice }) => slice))).toEqual(new Set(['2'])) // of 10 s
      expect(new Set(launcher.asks.map(({ uri }) => uri))).toEqual(new Set(['/cold/up']))
    })

    it('a page or a no may come at any time', async () => {
      const launcher = await labLauncher()
      const gateway = await gatewayWith([launcher.address])
      launcher.script = ({ round = '' }) => (round.length < 3 ? 'again' : { page: { is: 'late' } })
      expect((await ask(gateway.origin, '/cold/')).text).toContain('page {"is":"late"} of cold')
      launcher.script = ({ round = '' }) => (round.length < 3 ? 'again' : 'unknown')
      expect((await ask(gateway.origin, '/cold')).status).toBe(404)
      expect(launcher.faults).toEqual([])
    })

    it('one that says so for ever is no loop', async () => {
      const launcher = await labLauncher()
      const gateway = await gatewayWith([launcher.address])
      launcher.script = () => 'again'
      expect((await ask(gateway.origin, '/cold/')).status).toBe(503)
      expect(launcher.asks.length).toBeLessThanOrEqual(11)
    })
  })

describe('where there are several launchers', () => {
  it('all requests of one app are asked of the same one, and of another when it dies', async () => {
    const launchers = [await labLauncher(), await labLauncher(), await labLauncher()]
    for (const launcher of launchers) launcher.script = () => ({ upstream: shop.address })
    // long enough for all to be held before the first is given up
    const gateway = await gatewayWith(
      launchers.map(({ address }) => address),
      60,
    )
    for (let i = 0; i < 10; i++) await ask(gateway.origin, '/cold/')
    expect(launchers.map(({ asks }) => asks.length).sort((a, b) => a - b)).toEqual([0, 0, 10])
    const chosen = launchers.findIndex(({ asks }) => asks.length > 0)
    const first = launchers[chosen] as LabLauncher
    first.script = () => new Promise(() => {})
    const held = Promise.all(Array.from({ length: 200 }, () => ask(gateway.origin, '/cold/x')))
    await expect.poll(() => first.held, { timeout: 10_000 }).toBe(200)
    await first.stop()
    const answers = await held
    expect(answers.map(({ status }) => status)).toEqual(Array(200).fill(200))
    expect((await ask(gateway.origin, '/cold/')).status).toBe(200)
  })
})
