import { request } from 'node:http'
import { beforeEach, describe, expect, it, vi } from 'vitest'
import { WebSocket } from 'ws'
import { freePort } from '../lab/port.ts'
import { ask } from '../system/client.ts'
import { flightOf } from './door.ts'
import { openLiveLab, soon } from './live-lab.ts'

vi.hoisted(() => {
  process.env.REVEILLE_TEST_LIVE = 'on'
})

const { lab, shop, docs, appAt, workers } = await openLiveLab()

/** What the controller tells whoever scrapes it, by app and slot. */
async function told(): Promise<Record<string, number>> {
  const { text } = await ask(`http://${lab.settings.controllerAdmin}`, '/metrics')
  const line = /^reveille_in_flight\{app="(.*)",slot="(.*)",service="controller"\} (\d+)$/gm
  return Object.fromEntries(
    [...text.matchAll(line)].map(([, app, slot, count]) => [`${app}/${slot}`, Number(count)]),
  )
}

describe('requests in flight', () => {
  beforeEach(() => vi.waitFor(async () => expect(await flightOf(lab)).toEqual({}), 10_000))

  it('are counted exactly: streams, WebSockets, slow ones, those that are left', async () => {
    const host = new URL(lab.origin).host
    const sockets = Array.from({ length: 7 }, () => new WebSocket(`ws://${host}/shop/ws`))
    const slow = Array.from({ length: 5 }, () => ask(lab.origin, '/shop/slow/5000'))
    await soon(() => flightOf(lab)).toEqual({ [shop.address]: 12 })
    await Promise.all(slow)
    await soon(() => flightOf(lab)).toEqual({ [shop.address]: 7 })
    for (const [index, socket] of sockets.entries())
      if (index % 2) socket.terminate()
      else socket.close()
    await soon(() => flightOf(lab)).toEqual({})
    const left = Array.from({ length: 4 }, () => {
      const call = request(`${lab.origin}/shop/slow/20000`, { agent: false })
      call.on('error', () => {})
      call.end()
      return call
    })
    await soon(() => flightOf(lab)).toEqual({ [shop.address]: 4 })
    for (const call of left) call.destroy()
    await soon(() => flightOf(lab)).toEqual({})
  })

  it('are with who has them after one that is gone, and with nobody after failures', async () => {
    const dead = `127.0.0.1:${await freePort()}`
    await lab.store.put('/services/clusters/half', dead)
    await lab.store.put('/services/clusters/half/1', docs.address)
    await soon(() => appAt('/half/')).toBe('docs')
    const slow = Array.from({ length: 6 }, () => ask(lab.origin, '/half/slow/5000'))
    await soon(() => flightOf(lab)).toEqual({ [docs.address]: 6 })
    await Promise.all(slow)
    await lab.store.remove('/services/clusters/half/1')
    await soon(() => appAt('/half/')).not.toBe('docs')
    for (let i = 0; i < 20; i++) expect([502, 503]).toContain(await appAt('/half/'))
    for (let i = 0; i < 5; i++) await ask(lab.origin, '/shop/drop', { method: 'POST', body: 'x' })
    await soon(() => flightOf(lab)).toEqual({})
  })

  it('are told by app and slot, of those that drain, too', async () => {
    await lab.put('told', docs.address)
    await lab.store.put('/services/clusters/told/3', shop.address)
    await lab.store.remove('/services/clusters/shop')
    await soon(async () => new Set([await appAt('/told/'), await appAt('/told/')])).toEqual(
      new Set(['docs', 'shop']),
    )
    await soon(told).toEqual({})
    const host = new URL(lab.origin).host
    const sockets = Array.from({ length: 6 }, () => new WebSocket(`ws://${host}/told/ws`))
    await soon(told).toEqual({ 'told/0': 3, 'told/3': 3 })
    await lab.store.remove('/services/clusters/told/3')
    await soon(() => lab.routes()).not.toContain(shop.address)
    expect(await told()).toEqual({ 'told/0': 3, 'told/3': 3 })
    for (const socket of sockets) socket.close()
    await soon(told).toEqual({})
    await lab.store.remove('/services/clusters/told')
    await lab.put('shop', shop.address)
    await soon(() => appAt('/shop/')).toBe('shop')
  })

  it('are not told where nginx is frozen: the scrape goes on without them, and says so', async () => {
    const scrape = async () =>
      (await ask(`http://${lab.settings.controllerAdmin}`, '/metrics')).text
    expect(await scrape()).toMatch(/^reveille_gateway_in_flight_known\{.*\} 1$/m)
    const frozen = await workers()
    for (const pid of frozen) process.kill(pid, 'SIGSTOP')
    try {
      const began = performance.now()
      expect(await scrape()).toMatch(/^reveille_gateway_in_flight_known\{.*\} 0$/m)
      expect(performance.now() - began).toBeLessThan(4000)
    } finally {
      for (const pid of frozen) process.kill(pid, 'SIGCONT')
    }
    await soon(scrape).toMatch(/^reveille_gateway_in_flight_known\{.*\} 1$/m)
  })

  it('are not those of a worker that was killed', async () => {
    const host = new URL(lab.origin).host
    const sockets = Array.from({ length: 40 }, () => new WebSocket(`ws://${host}/shop/ws`))
    for (const socket of sockets) socket.on('error', () => {})
    const open = () => sockets.filter(({ readyState }) => readyState === WebSocket.OPEN).length
    await soon(open).toBe(40)
    const [worker] = await workers()
    process.kill(worker as number, 'SIGKILL')
    const differ = async () => Math.abs(((await flightOf(lab))[shop.address] ?? 0) - open())
    await soon(open).toBeLessThan(40)
    await soon(differ).toBe(0)
    for (const socket of sockets) socket.close()
  })

  it('lead new ones to the instance that has least to do', async () => {
    await lab.store.put('/services/clusters/two', shop.address)
    await lab.store.remove('/services/clusters/shop')
    await lab.store.put('/services/clusters/two/1', docs.address)
    await soon(async () => (await lab.record())?.endpoints).toBeGreaterThan(2)
    await soon(
      async () => new Set(await Promise.all(Array.from({ length: 8 }, () => appAt('/two/')))),
    ).toEqual(new Set(['shop', 'docs']))
    await soon(() => flightOf(lab)).toEqual({})
    const slow: Promise<unknown>[] = []
    // One after the other: two workers that choose at the same moment see the same.
    for (let i = 1; i <= 10; i++) {
      slow.push(ask(lab.origin, '/two/slow/10000'))
      await soon(async () =>
        Object.values(await flightOf(lab)).reduce((sum, one) => sum + one, 0),
      ).toBe(i)
    }
    expect(await flightOf(lab)).toEqual({ [shop.address]: 5, [docs.address]: 5 })
    await Promise.all(slow)
  })
})
