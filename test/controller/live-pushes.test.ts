import { once } from 'node:events'
import { type IncomingMessage, request } from 'node:http'
import { describe, expect, it, vi } from 'vitest'
import { door, revisionOf, socketOf, turnOf } from './door.ts'
import { openLiveLab, soon } from './live-lab.ts'

vi.hoisted(() => {
  process.env.REVEILLE_TEST_LIVE = 'on'
})

const { lab, shop, docs, appAt, workers } = await openLiveLab()
await lab.stopController()

const linesTo = (address: string, count: number) =>
  Array.from({ length: count }, (_, i) => `app-${i}\tn\t1\t5\t\t${address}*1\n`).join('')

const push = (before: string, after: string, lines: string) =>
  door(lab, 'PUT', '/table', `reveille table 1 ${before} ${after}\n${lines}`)

describe('a push', () => {
  it('that is answered is what every request finds from then on, there and back', async () => {
    let before = '*'
    for (let i = 0; i < 60; i++) {
      const [after, address, app] =
        i % 2 ? ['d0c5', docs.address, 'docs'] : ['50b0', shop.address, 'shop']
      expect(await push(before, after, linesTo(address, 3))).toEqual({ status: 200, text: after })
      const found = await Promise.all(Array.from({ length: 8 }, (_, n) => appAt(`/app-${n % 3}/`)))
      expect(new Set(found)).toEqual(new Set([app]))
      before = after
    }
    expect((await push(before, 'e0', 'app-0\t-\n')).status).toBe(200)
    expect(await Promise.all(Array.from({ length: 8 }, () => appAt('/app-0/')))).not.toContain(
      'docs',
    )
    expect(await appAt('/app-1/')).toBe('docs')
  })

  it('is one of several that change the same table: the others are told what it is now', async () => {
    await push('*', '0', linesTo(docs.address, 500))
    for (let i = 0; i < 30; i++) {
      const before = await revisionOf(lab)
      const pushes = Array.from({ length: 6 }, (_, n) =>
        push(before, `${i}${n}`, linesTo(n % 2 ? docs.address : shop.address, 500)),
      )
      const statuses = (await Promise.all(pushes)).map(({ status }) => status)
      expect(statuses.filter((status) => status === 200)).toHaveLength(1)
      expect(statuses.filter((status) => status === 409)).toHaveLength(5)
    }
  })

  it('of everything, while others push everything, too, is mixed with none of them', async () => {
    for (let i = 0; i < 10; i++) {
      const pushes = Array.from({ length: 6 }, (_, n) =>
        n % 2
          ? push('*', 'd0c5', linesTo(docs.address, 400))
          : push('*', '50b0', linesTo(shop.address, 400)),
      )
      for (const { status } of await Promise.all(pushes)) expect(status).toBe(200)
      const app = (await revisionOf(lab)) === 'd0c5' ? 'docs' : 'shop'
      const asked = [0, 1, 2, 57, 133, 200, 255, 301, 398, 399]
      const found = await Promise.all(asked.map((n) => appAt(`/app-${n}/`)))
      expect(new Set(found)).toEqual(new Set([app]))
    }
  })

  it('of everything that was stuck on its way is none after another one', async () => {
    expect((await push('*', 'd0c5', linesTo(docs.address, 10))).status).toBe(200)
    const text = `reveille table 1 * 50b0\n${linesTo(shop.address, 10)}`
    const stuck = (turn: string) =>
      new Promise<{ finish: () => Promise<number> }>((resolve, reject) => {
        const path = `/table?turn=${turn}`
        const headers = { 'content-length': Buffer.byteLength(text) }
        const call = request({ socketPath: socketOf(lab), method: 'PUT', path, headers })
        const answered = once(call, 'response')
        call.on('error', reject)
        const finish = async () => {
          call.end(text.slice(40))
          const [response] = (await answered) as [IncomingMessage]
          response.resume()
          return response.statusCode ?? 0
        }
        call.write(text.slice(0, 40), () => resolve({ finish }))
      })
    const late = await stuck(await turnOf(lab))
    expect((await push('d0c5', 'e0', 'app-0\t-\n')).status).toBe(200)
    // What it changes is as it was when the late one began.
    expect((await push('e0', 'd0c5', linesTo(docs.address, 1))).status).toBe(200)
    expect(await late.finish()).toBe(409)
    expect([await revisionOf(lab), await appAt('/app-1/')]).toEqual(['d0c5', 'docs'])
    const next = await stuck(await turnOf(lab))
    expect(await next.finish()).toBe(200)
    expect([await revisionOf(lab), await appAt('/app-1/')]).toEqual(['50b0', 'shop'])
  })

  it('whose worker is killed is in nobody’s way, and what it leaves is no revision of its own', async () => {
    for (const after of [2, 8, 20, 40, 80]) {
      await push('*', 'd0c5', linesTo(docs.address, 10))
      const cut = push('*', '50b0', linesTo(shop.address, 30_000)).catch(() => ({ status: 0 }))
      await new Promise((resolve) => setTimeout(resolve, after))
      const before = await workers()
      for (const pid of before) process.kill(pid, 'SIGKILL')
      const isDone = (await cut).status === 200
      await soon(async () => (await workers()).some((pid) => before.includes(pid))).toBe(false)
      // The door's socket is the master's: who connects meanwhile waits for the next worker.
      expect(isDone ? ['50b0'] : ['d0c5', '50b0', 'none']).toContain(await revisionOf(lab))
      const began = performance.now()
      expect(await push('*', 'ab', linesTo(shop.address, 2))).toEqual({ status: 200, text: 'ab' })
      expect(performance.now() - began).toBeLessThan(9000)
      expect([await appAt('/app-1/'), await appAt('/app-2/')]).toEqual(['shop', 503])
    }
  })
})
