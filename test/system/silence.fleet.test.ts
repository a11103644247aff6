import { setTimeout as pause } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Gateway } from '../../model/record.ts'
import type { LabFleet, LabHost, LabLauncherHost } from '../lab/fleet/fleet.ts'
import { startFleet } from '../lab/fleet/start-fleet.ts'
import { APP_IMAGE } from '../lab/image.ts'
import { ask } from './client.ts'

/** Seconds; those of the fleet's services unless it says otherwise. */
const TTL = 10
/** How long a gateway keeps connections to apps, and a moment, milliseconds. */
const KEPT = 2_500

let fleet: LabFleet
beforeAll(async () => {
  fleet = await startFleet({ hosts: 2, members: 1, gateways: 2, launchers: 2 })
  // as unit_files/reveille.sysctl.conf has it for a gateway's machine
  for (const gateway of fleet.gateways)
    await gateway.exec('sysctl', '-q', '-w', 'net.ipv4.tcp_retries2=5')
})
afterAll(() => fleet?.stop())

const add = (name: string, more: object = {}) =>
  fleet.add({ name, image: APP_IMAGE, env: { NAME: name, ...more }, health: 'http:/health' })
const origin = (gateway = 0) => fleet.gateways[gateway]?.origin ?? ''
const get = (app: string, gateway = 0) => ask(origin(gateway), `/${app}/`)

/** How many requests a launcher holds. */
async function held(launcher: LabLauncherHost): Promise<number> {
  const { text } = await launcher.api('GET', '/metrics')
  const [, count] = /^reveille_held_requests(?:\{[^}]*\})? (\d+)/m.exec(text) ?? []
  if (count === undefined)
    throw new Error(`${launcher.name} does not tell how many requests it holds`)
  return Number(count)
}

/** The launcher that holds these requests, once it holds them all. */
async function holder(count: number): Promise<LabLauncherHost> {
  for (;;) {
    for (const launcher of fleet.launchers) if ((await held(launcher)) === count) return launcher
    await pause(50)
  }
}

/** Resolves when every gateway has taken what is under the key, and there is something. */
async function applied(key: string): Promise<void> {
  await expect
    .poll(
      async () => {
        const entry = await fleet.etcd.get(key)
        const { entries } = await fleet.etcd.list('/services/gateways/')
        const revisions = entries.map(({ value }) => BigInt((JSON.parse(value) as Gateway).applied))
        return entry !== null && revisions.every((one) => one >= BigInt(entry.modRevision))
      },
      { timeout: 20_000 },
    )
    .toBe(true)
}

async function hostOf(app: string): Promise<LabHost> {
  const entry = await fleet.etcd.get(`/services/clusters/${app}`)
  const host = fleet.hosts.find(({ address }) => entry?.value.startsWith(`${address}:`))
  if (!host) throw new Error(`${app} runs nowhere`)
  return host
}

describe('a launcher that holds 200 requests', () => {
  it('and is killed costs none of them more than a question to another one', async () => {
    await add('killed', { START_DELAY_MS: '6000' })
    const answers = Promise.all(Array.from({ length: 200 }, () => get('killed')))
    const launcher = await holder(200)
    await launcher.launcher.kill()
    expect(new Set((await answers).map(({ status }) => status))).toEqual(new Set([200]))
    await launcher.launcher.start()
    // the key of its earlier life is gone, or another one is in its place
    await applied(`/services/launchers/${launcher.name}`)
  })

  it('and is frozen costs them a slice, not the whole hold timeout', async () => {
    await add('frozen', { START_DELAY_MS: '6000' })
    const began = performance.now()
    const answers = Promise.all(Array.from({ length: 200 }, () => get('frozen', 1)))
    const launcher = await holder(200)
    await launcher.launcher.pause()
    try {
      expect(new Set((await answers).map(({ status }) => status))).toEqual(new Set([200]))
      expect(performance.now() - began).toBeLessThan(40_000) // of the 60 s they might be held
    } finally {
      await launcher.launcher.resume()
    }
    await applied(`/services/launchers/${launcher.name}`)
  })
})

describe('a host that is gone without a word', () => {
  it('has its app answered from another one, within a lease, a start and five seconds', async () => {
    await add('shop')
    expect((await get('shop')).status).toBe(200)
    const before = await hostOf('shop')
    await applied('/services/clusters/shop')
    for (const index of [0, 1]) expect((await get('shop', index)).status).toBe(200)
    await fleet.partition(before.name)
    const began = performance.now()
    // the one on a connection that was kept, and goes silent under it; the other on a new one, which nothing answers
    const second = get('shop', 1)
    await pause(KEPT)
    const first = await ask(origin(), '/shop/', { method: 'POST', body: 'x'.repeat(90_000) })
    const other = await second
    const seconds = (performance.now() - began) / 1000
    expect([first.status, other.status]).toEqual([200, 200])
    expect(seconds).toBeLessThan(TTL + 5 + 5)
    expect((await hostOf('shop')).name).not.toBe(before.name)
    await fleet.heal()
  })
})
