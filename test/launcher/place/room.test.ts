import { expect, it } from 'vitest'
import { Catalog } from '../../../launcher/catalog.ts'
import { Room } from '../../../launcher/place/room.ts'
import { App } from '../../../model/app.ts'
import { Keys } from '../../../model/key.ts'
import { Host } from '../../../model/record.ts'
import { State } from '../../../model/state.ts'

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

const limits = { overcommit: 2, cpuOvercommit: 10, instancesPerHost: 7 }
const hosts = [host('a', '10.9.0.1'), host('b', '10.9.0.2')] as const
const shop = App.parse({ name: 'shop', image: 'shop:1', limits: { memory: '100m', cpus: 0.5 } })

it('knows what is promised where: what runs, known or not, what others start, and what is placed here', () => {
  put(keys.named('app', 'shop'), JSON.stringify(shop))
  put(keys.endpoint('shop', 0), '10.9.0.1:8000')
  put(keys.endpoint('shop', 1), '10.9.0.2:8000')
  put(keys.endpoint('nobody', 0), '10.9.0.2:8001')
  const room = new Room(catalog, limits)
  const claim = { owner: 'x', action: 'wake', since: new Date(0).toISOString() }
  const promised = (app = 'else', slot = 0) =>
    [...room.occupancy(hosts, app, slot)].map(
      ([
        name,
        {
          promised: { memory, cpus, instances },
          siblings,
        },
      ]) => `${name}: ${memory / MIB} MiB, ${cpus} CPUs, ${instances}, ${siblings} of it`,
    )
  const other = App.parse({ ...shop, name: 'other' })
  put(keys.named('app', 'other'), JSON.stringify(other))
  const seat = room.take(other, 0, hosts[0])
  expect(promised()).toEqual(['a: 200 MiB, 1 CPUs, 2, 0 of it', 'b: 612 MiB, 1.5 CPUs, 2, 0 of it'])
  // its own claim, then its Endpoint, say the same once more
  put(keys.claim('other', 0), JSON.stringify({ ...claim, host: 'a', memory: 100 * MIB, cpus: 0.5 }))
  put(keys.endpoint('other', 0), '10.9.0.1:8002')
  expect(promised()[0]).toBe('a: 200 MiB, 1 CPUs, 2, 0 of it')
  room.leave(seat)
  expect(promised()[0]).toBe('a: 200 MiB, 1 CPUs, 2, 0 of it')
  put(keys.claim('far', 3), JSON.stringify({ ...claim, host: 'b', memory: MIB, cpus: 2 }))
  put(keys.claim('undecided', 0), JSON.stringify(claim))
  expect(promised()[1]).toBe('b: 613 MiB, 3.5 CPUs, 3, 0 of it')
  expect(promised('SHOP', 1)).toEqual([
    'a: 200 MiB, 1 CPUs, 2, 1 of it',
    'b: 513 MiB, 3 CPUs, 2, 0 of it',
  ])
})

it('knows what is certain on a host, as each of many slots sees it', () => {
  const room = new Room(catalog, limits)
  room.take(App.parse({ ...shop, name: 'placed' }), 0, hosts[1])
  const seen = room.certain(hosts[1])
  const told = ({ promised, siblings }: ReturnType<typeof seen>) =>
    `${promised.memory / MIB} MiB, ${promised.cpus} CPUs, ${promised.instances}, ${siblings} of it`
  expect(told(seen('placed', 0))).toBe('613 MiB, 3.5 CPUs, 3, 0 of it')
  expect(told(seen('SHOP', 1))).toBe('513 MiB, 3 CPUs, 2, 0 of it')
  expect(told(seen('shop', 2))).toBe('613 MiB, 3.5 CPUs, 3, 1 of it')
})

it('limits what is known of a host', () => {
  const room = new Room(catalog, limits)
  expect(room.limit(hosts[0])).toEqual({ memory: 2048 * MIB, cpus: 20, instances: 7 })
  const unknown = { memory: Number.POSITIVE_INFINITY, cpus: Number.POSITIVE_INFINITY }
  expect(room.limit({ ...hosts[0], memory: 0, cpus: 0 })).toMatchObject(unknown)
})
