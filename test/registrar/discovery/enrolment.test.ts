import { beforeEach, expect, it } from 'vitest'
import type { Store } from '../../../adapters/etcd.ts'
import { Keys } from '../../../model/key.ts'
import { Pool } from '../../../model/pool.ts'
import { type Found, poolOf } from '../../../registrar/discovery/candidate.ts'
import { Enrolment } from '../../../registrar/discovery/enrolment.ts'
import { labStore } from '../../lab/store.ts'

let store: Store
const keys = new Keys('/services')
const foo = poolOf('foo/bar', '') as Found
const other = poolOf('hello/world', '') as Found
const [A, B, C] = ['172.17.0.2:80', '172.17.0.3:80', '10.0.0.2:8000'] as const

labStore((lab) => void (store = lab.store))
beforeEach(async () => {
  const { entries } = await store.list('/services/')
  for (const { key } of entries) await store.remove(key)
})

const host = async () => ({ enrolment: new Enrolment(store, keys), lease: await store.grant(60) })
const all = async () => {
  const { entries } = await store.list('/services/')
  return Object.fromEntries(
    entries.map(({ key, value }) => [key.slice('/services/'.length), value]),
  )
}
const record = (pool: Found) => JSON.stringify({ name: pool.name, routes: pool.routes })
/** Settles often enough for it to look whether all is there. */
async function settle(
  { enrolment, lease }: Awaited<ReturnType<typeof host>>,
  wanted: Record<string, Found>,
) {
  for (let i = 0; i < 5; i++) await enrolment.settle(new Map(Object.entries(wanted)), lease)
}

it('servers are added and removed, and the pool goes with its last one', async () => {
  const one = await host()
  await settle(one, { [A]: foo, [B]: foo, [C]: other })
  expect(await all()).toEqual({
    'clusters/foo-bar': A,
    'clusters/foo-bar/1': B,
    'clusters/hello-world': C,
    'pools/foo-bar': record(foo),
    'pools/hello-world': record(other),
  })
  await settle(one, { [B]: foo })
  expect(await all()).toEqual({ 'clusters/foo-bar/1': B, 'pools/foo-bar': record(foo) })
  await settle(one, {})
  expect(await all()).toEqual({})
})

it('hosts share a pool, and none takes what is of another', async () => {
  const [one, two] = [await host(), await host()]
  await settle(one, { [A]: foo })
  await settle(two, { [C]: foo })
  await settle(one, { [A]: foo })
  await settle(one, {})
  expect(await all()).toEqual({ 'clusters/foo-bar/1': C, 'pools/foo-bar': record(foo) })
  // The record went with the lease of who wrote it: whoever has servers writes it anew.
  await store.revoke(one.lease)
  expect(Object.keys(await all())).toEqual(['clusters/foo-bar/1'])
  await settle(two, { [C]: foo })
  expect(await all()).toEqual({ 'clusters/foo-bar/1': C, 'pools/foo-bar': record(foo) })
})

it('what the run before wrote is taken over, and what was removed comes back', async () => {
  const before = await host()
  await settle(before, { [A]: foo })
  const after = await host()
  await settle(after, { [A]: foo })
  // Not even for a moment is it gone.
  await store.revoke(before.lease)
  expect(await all()).toEqual({ 'clusters/foo-bar': A, 'pools/foo-bar': record(foo) })
  await store.remove('/services/clusters/foo-bar')
  await settle(after, { [A]: foo })
  expect((await all())['clusters/foo-bar']).toBe(A)
})

it('a slot of somebody else is left alone', async () => {
  await store.put('/services/clusters/foo-bar', '10.9.0.9:80')
  const one = await host()
  await settle(one, { [A]: foo })
  await settle(one, {})
  expect((await all())['clusters/foo-bar']).toBe('10.9.0.9:80')
})

it('a container whose image is called like a pool of `reveille pool` is no server of that pool', async () => {
  const lease = await store.grant(60)
  const kept = JSON.stringify(Pool.parse({ name: foo.name, routes: ['/'] }))
  await store.create(keys.named('pool', foo.name), kept, { lease })
  const one = await host()
  await settle(one, { [A]: foo, [C]: other })
  expect(await all()).toEqual({
    'clusters/hello-world': C,
    'pools/foo-bar': kept,
    'pools/hello-world': record(other),
  })
  // one that was written by hand says how discovered servers are balanced
  await store.remove(keys.named('pool', foo.name))
  await store.put(keys.named('pool', foo.name), kept)
  await settle(one, { [A]: foo, [C]: other })
  expect(await all()).toMatchObject({ 'clusters/foo-bar': A, 'pools/foo-bar': kept })
})
