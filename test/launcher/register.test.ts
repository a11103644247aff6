import { pino } from 'pino'
import { expect, it } from 'vitest'
import { connect } from '../../adapters/etcd.ts'
import { Informer } from '../../adapters/informer.ts'
import { Registration } from '../../launcher/register.ts'
import { Keys } from '../../model/key.ts'
import { startEtcd } from '../lab/etcd.ts'

it('a launcher whose key is deleted registers again, and it knows the lease of its earlier run', async () => {
  const etcd = await startEtcd()
  const store = connect({ urls: [etcd.url] })
  const keys = new Keys()
  const key = keys.named('launcher', 'one')
  const address = '127.0.0.1:8090'
  const before = await store.grant(60)
  await store.put(key, address, { lease: before })
  const log = pino({ level: 'silent' })
  const registration = new Registration({ keys, store, id: 'one', address, log })
  const informer = new Informer(store, [keys.folder('launcher')], {
    onChange: (batch) => registration.watch(batch),
  })
  informer.start()
  await informer.synced
  const lease = await store.grant(60)
  await registration.renew(lease)
  expect(registration.earlier).toBe(before)
  await store.remove(key)
  await expect.poll(async () => (await store.get(key))?.lease, { timeout: 5_000 }).toBe(lease)
  const other = new Registration({ keys, store, id: 'one', address: '127.0.0.1:9090', log })
  await other.renew(await store.grant(60))
  expect(other.earlier).toBeNull()
  registration.end()
  informer.stop()
  store.close()
  await etcd.stop()
})
