import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Informer } from '../../adapters/informer.ts'
import { Keys } from '../../model/key.ts'
import { Cluster } from '../../registrar/cluster.ts'
import { ask } from '../system/client.ts'
import { type Backend, startBackend } from '../templates/backend.ts'
import { type LabController, startControllerLab } from './gateway.ts'

const soon = <T>(look: () => T) => expect.poll(look, { timeout: 20_000, interval: 50 })
const keys = new Keys()

let one: LabController
let two: LabController
let backends: Backend[]
/** what a registrar knows of the gateways */
let cluster: Cluster
let informer: Informer

beforeAll(async () => {
  backends = await Promise.all(['zero', 'first', 'second'].map((name) => startBackend(name)))
  one = await startControllerLab()
  two = await startControllerLab(() => ({ id: 'gateway-2' }), one)
  cluster = new Cluster(keys)
  informer = new Informer(one.store, cluster.prefixes, {
    onChange: (batch, revision) => cluster.observe(batch, revision),
  })
  informer.start()
  await informer.synced
})
afterAll(async () => {
  informer.stop()
  await two.stop()
  await one.stop()
  await Promise.all(backends.map((backend) => backend.stop()))
})

async function visit(lab: LabController, app: string, cookie = '') {
  const headers = cookie === '' ? {} : { cookie }
  const { status, text, headers: answer } = await ask(lab.origin, `/${app}/`, { headers })
  const [set = ''] = [answer['set-cookie'] ?? []].flat() as string[]
  const by = status === 200 ? (JSON.parse(text) as { app: string }).app : String(status)
  return { by, cookie: set === '' ? cookie : (set.split(';')[0] as string) }
}
const by = async (lab: LabController, app: string) => (await visit(lab, app)).by
const address = (index: number) => (backends[index] as Backend).address

describe('two gateways', () => {
  it('route alike, and each has its record', async () => {
    const revision = await one.put('shop', address(0))
    for (const lab of [one, two]) {
      await soon(() => by(lab, 'shop')).toBe('zero')
      await soon(async () => (await lab.record())?.applied).toBe(revision)
    }
    expect([(await one.record())?.listen, (await two.record())?.listen]).toEqual([
      one.settings.listen,
      two.settings.listen,
    ])
    await soon(() => cluster.hasApplied(revision)).toBe(true)
  })

  it('are both waited for by who drains, but one that died no longer than its lease', async () => {
    const dead = { id: 'gateway-3', applied: '1', generation: 1, endpoints: 1, rejected: [] }
    const lease = await one.store.grant(60)
    await one.store.put(keys.named('gateway', 'gateway-3'), JSON.stringify(dead), { lease })
    const revision = await one.put('other', address(0))
    await soon(async () => (await two.record())?.applied).toBe(revision)
    await soon(async () => (await one.record())?.applied).toBe(revision)
    expect(cluster.hasApplied(revision)).toBe(false)
    const applied = () => cluster.hasApplied(revision)
    const patience = new AbortController()
    const waited = cluster.until(applied, 20_000, patience.signal)
    await one.store.revoke(lease) // as etcd does once nobody renews it
    expect(await waited).toBe(true)
    expect(await one.store.get(keys.named('gateway', 'gateway-3'))).toBeNull()
  })

  it('both tell of use, whoever is asked', async () => {
    const key = keys.named('activity', 'shop')
    const last = async () => (await one.store.get(key))?.modRevision
    for (const lab of [two, one, two]) {
      const before = await last()
      await soon(async () => {
        await by(lab, 'shop')
        return await last()
      }).not.toBe(before)
    }
  })

  it('keep a client with its instance, whichever of them it comes through', async () => {
    const app = JSON.stringify({ name: 'sticky', image: 'x:1', sticky: true })
    await one.store.put('/services/apps/sticky', app)
    const slot = (index: number) => keys.endpoint('sticky', index)
    const settled = async (revision: string | null) => {
      for (const lab of [one, two])
        await soon(
          async () => BigInt((await lab.record())?.applied ?? 0) >= BigInt(revision ?? 0),
        ).toBe(true)
    }
    await one.store.put(slot(0), address(0))
    await settled(await one.store.put(slot(1), address(1)))
    const clients = await Promise.all(
      Array.from({ length: 30 }, (_, index) => visit(index % 2 ? one : two, 'sticky')),
    )
    expect(new Set(clients.map(({ by: name }) => name))).toEqual(new Set(['zero', 'first']))
    const again = () =>
      Promise.all(
        clients.map(({ cookie }, index) => visit(index % 2 ? two : one, 'sticky', cookie)),
      )
    expect(await again()).toEqual(clients)

    // one more moves nobody
    await settled(await one.store.put(slot(2), address(2)))
    expect(await again()).toEqual(clients)

    // one less moves its own clients only, and these stay where they come to
    await settled(await one.store.remove(slot(1)))
    const moved = await again()
    for (const [index, client] of clients.entries())
      if (client.by === 'zero') expect(moved[index]).toEqual(client)
      else expect(moved[index]?.by).toMatch(/^(?:zero|second)$/)
    clients.splice(0, clients.length, ...moved)
    expect(await again()).toEqual(moved)
  })
})

describe('a gateway without etcd', () => {
  it('serves the last good configuration when it comes back', async () => {
    await two.stopController()
    await two.nginx.stop()
    await writeFile(join(two.folder, 'routes.json'), '{"not": "a memory"') // its disk suffered too
    await one.etcd.down()
    await two.startController()
    await two.startNginx()
    expect(await by(two, 'shop')).toBe('zero')
    expect((await visit(two, 'sticky')).cookie).toMatch(/^reveille_instance=/)
    expect(two.lines.some(({ msg }) => msg.includes('not remembered'))).toBe(true)
    const health = await ask(`http://${two.settings.controllerAdmin}`, '/healthz')
    expect([health.status, JSON.parse(health.text).etcd]).toEqual([503, 'lost'])
  })

  it('says 503 where it never had one, and routes once etcd is there', async () => {
    const three = await startControllerLab(() => ({ id: 'gateway-3' }), one)
    try {
      expect(await by(three, 'shop')).toBe('503')
      expect(await by(one, 'shop')).toBe('zero')
      await one.etcd.up()
      await soon(() => by(three, 'shop')).toBe('zero')
      const records = async () => [(await one.record())?.endpoints, (await two.record())?.endpoints]
      await soon(async () => (await records()).every((count) => count !== undefined)).toBe(true)
      await soon(async () => new Set(await records()).size).toBe(1)
    } finally {
      await three.stop()
    }
  })
})
