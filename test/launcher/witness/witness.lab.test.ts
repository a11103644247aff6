import pino from 'pino'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openEngine } from '../../../adapters/docker-open.ts'
import { Informer } from '../../../adapters/informer.ts'
import { Catalog } from '../../../launcher/catalog.ts'
import { Engines } from '../../../launcher/engine.ts'
import { Witnesses } from '../../../launcher/witness/witnesses.ts'
import { State } from '../../../model/state.ts'
import { House } from '../../registrar/house.ts'

// A real engine and a real registrar that is stopped, or not; the witness as a launcher has it.

let house: House
let witnesses: Witnesses
let informer: Informer
let catalog: Catalog
const removed: string[] = []

beforeAll(async () => {
  house = await House.open({ leaseTtl: '60s' })
  const networks = [{ family: 4 as const, bits: 0n, prefix: 0 }]
  catalog = new Catalog(new State(house.keys, { networks, denied: new Set() }), house.keys)
  const folders = (['host', 'endpoint'] as const).map((kind) => house.keys.folder(kind))
  informer = new Informer(house.store, folders, {
    onChange: (batch, revision) => catalog.apply(batch, revision),
  })
  informer.start()
  await informer.synced
  witnesses = new Witnesses({
    catalog,
    engines: new Engines(openEngine),
    store: {
      remove: async (key, options) => {
        const revision = await house.store.remove(key, options)
        if (revision !== null) removed.push(key)
        return revision
      },
    },
    log: pino({ level: 'silent' }),
  })
  witnesses.start()
})

afterAll(async () => {
  process.kill(house.pid, 'SIGCONT')
  witnesses.stop()
  informer.stop()
  await house.close()
})

test('while the registrar is stopped, the Endpoint of an app that dies is gone in a moment', async () => {
  const id = await house.run({ name: 'shop' })
  const endpoint = await house.registered('shop')
  await expect.poll(() => catalog.endpoint('shop', 0)).not.toBeNull()
  const port = Number(endpoint.split(':')[1])
  process.kill(house.pid, 'SIGSTOP')
  await house.docker.getContainer(id).remove({ force: true })
  // long before its lease ends
  await house.unregistered('shop', 0, 5_000)
  await expect.poll(() => removed).toEqual([house.keys.endpoint('shop', 0)])
  // another app gets its port, as an engine hands them out again
  await house.runByHand({
    Labels: { 'reveille.app': 'admin' },
    HostConfig: { PortBindings: { '8000/tcp': [{ HostIp: house.address, HostPort: `${port}` }] } },
  })
  const shop = house.history('shop')
  process.kill(house.pid, 'SIGCONT')
  expect(await house.registered('admin')).toBe(endpoint)
  shop.stop()
  expect(shop.values.filter((value) => value !== null)).toEqual([])
})

test('a registrar that does its work is never in the way of the witness, nor the other way round', async () => {
  removed.length = 0
  const id = await house.run({ name: 'flap' })
  await house.registered('flap')
  for (let round = 0; round < 8; round++) {
    await house.docker.getContainer(id).restart({ t: 0 })
    await expect
      .poll(
        async () => {
          const { NetworkSettings } = await house.docker.getContainer(id).inspect()
          const [published] = NetworkSettings.Ports['8000/tcp'] ?? []
          return (await house.endpoint('flap')) === `${published?.HostIp}:${published?.HostPort}`
        },
        { timeout: 10_000 },
      )
      .toBe(true)
  }
  expect(house.log).not.toContain('etcd write failed')
})
