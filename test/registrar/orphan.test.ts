import { createServer } from 'node:net'
import { afterAll, expect, test } from 'vitest'
import type { Store } from '../../adapters/etcd.ts'
import { readIncarnation } from '../../adapters/machine.ts'
import type { LabEtcd } from '../lab/etcd.ts'
import type { Part } from '../lab/part.ts'
import { freePort } from '../lab/port.ts'
import { labStore } from '../lab/store.ts'
import { eventually, startRegistrar } from './process.ts'

let etcd: LabEtcd
let store: Store
let registrar: Part | undefined
labStore((lab) => void ({ etcd, store } = lab))
afterAll(async () => {
  await registrar?.kill()
})

test('with an engine that is away, what was registered stays while it answers and goes when it does not', async () => {
  const port = await freePort()
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
  const lease = await store.grant(60)
  const [lives, dead] = ['/services/clusters/lives', '/services/clusters/dead']
  const incarnation = await readIncarnation('unix:///nowhere.sock')
  await store.put('/services/hosts/h1', JSON.stringify({ incarnation }), { lease })
  await store.put(lives, `127.0.0.1:${port}`, { lease })
  await store.put(dead, `127.0.0.1:${await freePort()}`, { lease })
  registrar = await startRegistrar({
    ...{ etcd: etcd.url, docker: 'unix:///nowhere.sock', address: '127.0.0.1', id: 'h1' },
    registrarAdmin: `127.0.0.1:${await freePort()}`,
  })
  const leaseOf = async (key: string) => (await store.get(key))?.lease
  await eventually(async () => ![undefined, lease].includes(await leaseOf(lives)))
  await eventually(async () => (await leaseOf(dead)) === undefined)
  expect(await leaseOf(lives)).toBeDefined()
  await new Promise((resolve) => server.close(resolve))
  await eventually(async () => (await leaseOf(lives)) === undefined)
})
