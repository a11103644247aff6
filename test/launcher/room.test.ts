import { expect, it } from 'vitest'
import { Catalog } from '../../launcher/catalog.ts'
import { Room } from '../../launcher/room.ts'
import { App } from '../../model/app.ts'
import { Keys } from '../../model/key.ts'
import { Host } from '../../model/record.ts'
import { State } from '../../model/state.ts'

const MIB = 1024 ** 2
const keys = new Keys()
const networks = [{ family: 4 as const, bits: 0n, prefix: 0 }]
const catalog = new Catalog(new State(keys, { networks, denied: new Set() }), keys)
const stamp = { modRevision: '1', createRevision: '1', lease: '0' }
const put = (key: string, value: string) =>
  catalog.apply([{ type: 'put', entry: { key, value, ...stamp } }], '1')
const host = (name: string, address: string) =>
  Host.parse({
    name,
    address,
    engine: `tcp://${address}:2375`,
    publish: address,
    cpus: 2,
    memory: 1024 * MIB,
  })

it('knows what is promised where: what runs, known or not, and what is being started', () => {
  const hosts = [host('a', '10.9.0.1'), host('b', '10.9.0.2')] as const
  const shop = App.parse({ name: 'shop', image: 'shop:1', limits: { memory: '100m' } })
  put(keys.named('app', 'shop'), JSON.stringify(shop))
  put(keys.endpoint('shop', 0), '10.9.0.1:8000')
  put(keys.endpoint('shop', 1), '10.9.0.2:8000')
  put(keys.endpoint('nobody', 0), '10.9.0.2:8001')
  const room = new Room(catalog, 2)
  const giveBack = room.take(hosts[0], 50 * MIB)
  const promised = () => [...room.promised(hosts)].map(([name, bytes]) => [name, bytes / MIB])
  expect(promised()).toEqual([
    ['a', 150],
    ['b', 612],
  ])
  giveBack()
  expect(promised()[0]).toEqual(['a', 100])
  expect(room.limit(hosts[0])).toBe(2048 * MIB)
  expect(room.limit({ ...hosts[0], memory: 0 })).toBe(Number.POSITIVE_INFINITY)
})
