import { beforeEach, describe, expect, it } from 'vitest'
import type { Store } from '../../../adapters/etcd.ts'
import { Keys } from '../../../model/key.ts'
import type { Found } from '../../../registrar/discovery/candidate.ts'
import { Enrolment } from '../../../registrar/discovery/enrolment.ts'
import { labStore } from '../../lab/store.ts'

const keys = new Keys()
const pool: Found = { name: 'foo-bar', routes: ['/foo/bar'] }
const record = keys.named('pool', pool.name)
const wanted = (...addresses: string[]) => new Map(addresses.map((address) => [address, pool]))
let store: Store

labStore((lab) => void (store = lab.store))
beforeEach(async () => {
  const { entries } = await store.listAll([keys.folder('pool'), keys.folder('endpoint')])
  for (const { key } of entries) await store.remove(key)
})

/** A host, or one run of its registrar. */
async function host(...addresses: string[]) {
  const enrolment = new Enrolment(store, keys)
  const lease = await store.grant(60)
  const settle = (): ReturnType<Enrolment['settle']> =>
    enrolment.settle(wanted(...addresses), lease)
  await settle()
  return { enrolment, lease, settle }
}
const leaseOf = async (key: string): Promise<string | undefined> => (await store.get(key))?.lease

describe('the record of a pool', () => {
  it('outlives the run of a registrar before this one, as its servers do', async () => {
    const before = await host('10.0.0.1:80')
    const after = await host('10.0.0.1:80')
    await store.revoke(before.lease)
    expect(await leaseOf(keys.endpoint(pool.name, 0))).toBe(after.lease)
    expect(await leaseOf(record)).toBe(after.lease)
  })

  it('is written anew by the next look of another host where its own has died', async () => {
    const first = await host('10.0.0.1:80')
    const second = await host('10.0.0.2:80')
    await second.settle()
    expect(await leaseOf(record)).toBe(first.lease)
    await store.revoke(first.lease)
    await second.settle()
    expect(await leaseOf(record)).toBe(second.lease)
  })

  it('goes with the last server of all hosts', async () => {
    const first = await host('10.0.0.1:80')
    const second = await host('10.0.0.2:80')
    await second.enrolment.settle(wanted(), second.lease)
    expect(await store.get(record)).not.toBeNull()
    await first.enrolment.settle(wanted(), first.lease)
    await second.enrolment.settle(wanted(), second.lease)
    expect(await store.get(record)).toBeNull()
  })
})
