import { pino } from 'pino'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { connect, type Store } from '../../../adapters/etcd.ts'
import { Keys } from '../../../model/key.ts'
import { Discovery } from '../../../registrar/discovery/discovery.ts'
import { type LabEtcd, startEtcd } from '../../lab/etcd.ts'

const keys = new Keys()
let etcd: LabEtcd
let store: Store
beforeAll(async () => {
  etcd = await startEtcd()
  store = connect({ urls: [etcd.url] })
})
afterAll(async () => {
  store.close()
  await etcd.stop()
})

it('tries all ports of a container at once, and takes the first of those that answer', async () => {
  const ports = [8000, 80, 9000]
  const lease = await store.grant(60)
  let asked = 0
  let go = (): void => {}
  const all = new Promise<void>((resolve) => {
    go = resolve
  })
  const discovery = new Discovery({
    ...{ mode: 'image', ports, domain: '', store, keys, log: pino({ level: 'silent' }) },
    engine: {
      foreign: async () => [
        { id: 'c', image: 'foo/bar', labels: {}, published: {}, addresses: ['172.17.0.2'] },
      ],
      stirs: async function* () {},
    },
    address: () => '10.0.0.1',
    tcp: async ({ port }) => {
      if (++asked === ports.length) go()
      await all
      return port !== 8000
    },
    lease: () => lease,
  })
  const ending = new AbortController()
  const running = discovery.run(ending.signal)
  const written = async () => (await store.get(keys.endpoint('foo-bar', 0)))?.value
  await expect.poll(written).toBe('172.17.0.2:80')
  ending.abort()
  await running
})
