import { pino } from 'pino'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { Store } from '../../adapters/etcd.ts'
import { Informer } from '../../adapters/informer.ts'
import { Publication } from '../../registrar/publication.ts'
import type { LabEtcd } from '../lab/etcd.ts'
import { labStore } from '../lab/store.ts'
import { eventually } from './process.ts'

let etcd: LabEtcd
let store: Store
labStore((lab) => void ({ etcd, store } = lab))

const KEY = '/services/clusters/A'
const conflicts: string[] = []
const writes: string[] = []
let publication: Publication
let informer: Informer
let lease: string

beforeEach(async () => {
  await store.remove(KEY)
  conflicts.length = 0
  writes.length = 0
  publication = open()
  lease = await store.grant(60)
  informer = follow(publication)
  await informer.synced
})
afterEach(() => {
  publication.stop()
  informer.stop()
})

let reconsider: (key: string) => Promise<void> = async () => {}

function open(through = store): Publication {
  return new Publication(through, {
    log: pino({ level: 'silent' }),
    patience: 200,
    onConflict: (key, holder) => conflicts.push(`${key} ${holder.value}`),
    reconsider: (key) => reconsider(key),
    onLeaseGone: () => writes.push('lease gone'),
    onWrite: (change) => writes.push(change),
  })
}

function follow(target: Publication): Informer {
  const informer = new Informer(store, ['/services/clusters/'], {
    onChange: (batch, revision) => {
      for (const change of batch) target.observe(change, revision)
    },
  })
  informer.start()
  return informer
}

const valueOf = async (): Promise<string | null> => (await store.get(KEY))?.value ?? null
const becomes = (value: string | null): Promise<boolean> =>
  eventually(async () => (await valueOf()) === value)

test('what is wanted is written under the lease once there is one', async () => {
  publication.publish(KEY, '10.0.0.1:1')
  expect(await valueOf()).toBeNull()
  publication.useLease(lease)
  await becomes('10.0.0.1:1')
  expect((await store.get(KEY))?.lease).toBe(lease)
  expect(publication.wanted(KEY)).toBe('10.0.0.1:1')
})

test('a removal tells its revision, and that of nothing is 0', async () => {
  publication.useLease(lease)
  expect(await publication.withdraw(KEY)).toBe('0')
  publication.publish(KEY, '10.0.0.1:1')
  await becomes('10.0.0.1:1')
  const written = (await store.get(KEY))?.modRevision as string
  const removed = await publication.withdraw(KEY)
  expect(BigInt(removed as string)).toBeGreaterThan(BigInt(written))
  expect(await valueOf()).toBeNull()
  expect(publication.keys()).toEqual([])
})

test.each([
  ['an echo of the write that comes during the removal', false],
  ['an answer that is lost', true],
])('a removal tells its revision in spite of %s', async (_, isLost) => {
  let isFirst = true
  const remove: Store['remove'] = async (key, options) => {
    const entry = await store.get(key)
    if (entry) hasty.observe({ type: 'put', entry }, entry.modRevision)
    const removed = await store.remove(key, options)
    if (!isLost || !isFirst) return removed
    isFirst = false
    hasty.observe({ type: 'delete', key }, removed as string)
    throw new Error('14 UNAVAILABLE')
  }
  const hasty: Publication = open(
    new Proxy(store, {
      get: (target, name) =>
        name === 'remove' ? remove : (target[name as keyof Store] as () => unknown).bind(target),
    }),
  )
  const key = '/services/clusters/echo'
  hasty.useLease(lease)
  hasty.publish(key, '10.0.0.1:1')
  const written = await eventually(() => store.get(key))
  expect(BigInt((await hasty.withdraw(key)) as string)).toBeGreaterThan(BigInt(written.modRevision))
  expect(await store.get(key)).toBeNull()
  hasty.stop()
})

test('a removal that is taken back says so', async () => {
  publication.publish(KEY, '10.0.0.1:1')
  const removed = publication.withdraw(KEY)
  publication.publish(KEY, '10.0.0.1:2')
  expect(await removed).toBeNull()
  publication.useLease(lease)
  await becomes('10.0.0.1:2')
})

test('the last of many wishes holds', async () => {
  publication.useLease(lease)
  for (let port = 1; port <= 50; port++) {
    publication.publish(KEY, `10.0.0.1:${port}`)
    if (port % 7 === 0) void publication.withdraw(KEY)
    if (port % 5 === 0) await new Promise((resolve) => setImmediate(resolve))
  }
  publication.publish(KEY, '10.0.0.1:99')
  await becomes('10.0.0.1:99')
  void publication.withdraw(KEY)
  await becomes(null)
})

test('a key that was removed or changed by others comes back', async () => {
  publication.useLease(lease)
  publication.publish(KEY, '10.0.0.1:1')
  await becomes('10.0.0.1:1')
  await store.remove(KEY)
  await becomes('10.0.0.1:1')
  await store.put(KEY, '10.9.9.9:9', { lease })
  await becomes('10.0.0.1:1')
})

test('everything moves to a new lease, before and after the old one is gone', async () => {
  publication.useLease(lease)
  publication.publish(KEY, '10.0.0.1:1')
  await becomes('10.0.0.1:1')
  const second = await store.grant(60)
  publication.useLease(second)
  await eventually(async () => (await store.get(KEY))?.lease === second)
  await store.revoke(second)
  await eventually(() => writes.includes('lease gone'))
  const third = await store.grant(60)
  publication.useLease(third)
  await eventually(async () => (await store.get(KEY))?.lease === third)
})

test('a key of somebody else is left alone, told after a while, and taken when it is free', async () => {
  await store.put(KEY, '10.9.9.9:9')
  publication.useLease(lease)
  publication.publish(KEY, '10.0.0.1:1')
  await eventually(() => conflicts.length > 0)
  expect(conflicts[0]).toBe(`${KEY} 10.9.9.9:9`)
  expect(await valueOf()).toBe('10.9.9.9:9')
  await store.remove(KEY)
  await becomes('10.0.0.1:1')
  // etcd has it a moment before the writer hears so
  await eventually(() => writes.length === 2)
  expect(writes).toEqual(['conflict', 'registered'])
})

test('of two hosts with the same slot one has the key, for as long as it lives, and the other is told so', async () => {
  const other = open()
  const listener = follow(other)
  const values = new Set<string>()
  const watcher = new Informer(store, [KEY], {
    onChange: (batch) => {
      for (const change of batch) if (change.type === 'put') values.add(change.entry.value)
    },
  })
  watcher.start()
  await Promise.all([listener.synced, watcher.synced])
  const second = await store.grant(60)
  publication.useLease(lease)
  other.useLease(second)
  publication.publish(KEY, '10.0.0.1:1')
  other.publish(KEY, '10.0.0.2:1')
  await eventually(() => conflicts.length > 0)
  const winner = (await valueOf()) ?? ''
  expect(values).toEqual(new Set([winner]))
  expect(conflicts.every((told) => told === `${KEY} ${winner}`)).toBe(true)
  // The winner's host is cut off: its lease ends, and the key is the other's. It comes back, and gets nothing.
  const [first, last] = winner === '10.0.0.1:1' ? [publication, other] : [other, publication]
  await store.revoke(first === publication ? lease : second)
  const survivor = last === other ? '10.0.0.2:1' : '10.0.0.1:1'
  await becomes(survivor)
  conflicts.length = 0
  first.useLease(await store.grant(60))
  await eventually(() => conflicts.includes(`${KEY} ${survivor}`))
  expect(await valueOf()).toBe(survivor)
  other.stop()
  listener.stop()
  watcher.stop()
})

test('an entry with our own address is ours, whoever wrote it', async () => {
  await store.put(KEY, '10.0.0.1:1')
  publication.useLease(lease)
  publication.publish(KEY, '10.0.0.1:1')
  await eventually(async () => (await store.get(KEY))?.lease === lease)
  expect(conflicts).toEqual([])
})

test('what the process before left is taken over as it is, and can be withdrawn', async () => {
  const before = await store.grant(60)
  await store.put(KEY, '10.0.0.1:1', { lease: before })
  const next = open()
  next.inherit(before)
  const following = follow(next)
  next.useLease(lease)
  await eventually(async () => (await store.get(KEY))?.lease === lease)
  expect(next.wanted(KEY)).toBe('10.0.0.1:1')
  expect(BigInt((await next.withdraw(KEY)) as string)).toBeGreaterThan(0n)
  next.stop()
  following.stop()
})

test('entries of others are no business of ours', async () => {
  await store.put('/services/clusters/B', '10.9.9.9:9')
  publication.useLease(lease)
  expect(publication.keys()).toEqual([])
  expect(await publication.withdraw('/services/clusters/B')).toBe('0')
  expect((await store.get('/services/clusters/B'))?.value).toBe('10.9.9.9:9')
})

test('a write of ours that nobody wants any more is removed when it shows', async () => {
  publication.useLease(lease)
  await store.put(KEY, '10.0.0.1:1', { lease })
  await becomes(null)
})

test('wishes survive a time without etcd, and only the last one is carried out', async () => {
  publication.useLease(lease)
  publication.publish(KEY, '10.0.0.1:1')
  await becomes('10.0.0.1:1')
  await etcd.down()
  const removed = publication.withdraw(KEY)
  publication.publish(KEY, '10.0.0.1:2')
  expect(await removed).toBeNull()
  await new Promise((resolve) => setTimeout(resolve, 1_500))
  await etcd.up()
  await becomes('10.0.0.1:2')
})

test('a key that somebody removed is looked into before it is written again', async () => {
  publication.useLease(lease)
  publication.publish(KEY, '10.0.0.1:1')
  await becomes('10.0.0.1:1')
  const seen: (string | null)[] = []
  reconsider = async () => void seen.push(await valueOf())
  await store.remove(KEY)
  await eventually(() => seen.length > 0)
  await becomes('10.0.0.1:1')
  expect(seen).toEqual([null])
  reconsider = async () => void publication.withdraw(KEY)
  const before = (await store.get(KEY))?.modRevision
  await store.remove(KEY)
  await eventually(() => publication.keys().length === 0)
  expect(await store.get(KEY)).toBeNull()
  await store.put(KEY, '10.0.0.2:1')
  const { createRevision } = (await store.get(KEY)) as { createRevision: string }
  // nothing was written between the removal and this
  expect(BigInt(createRevision)).toBe(BigInt(before as string) + 2n)
  await store.remove(KEY)
  reconsider = async () => {}
})

test('a key that was removed before a new lease came is looked into as well', async () => {
  publication.useLease(lease)
  publication.publish(KEY, '10.0.0.1:1')
  await becomes('10.0.0.1:1')
  informer.stop()
  await store.remove(KEY)
  reconsider = async () => void publication.withdraw(KEY)
  publication.useLease(await store.grant(60))
  await eventually(() => publication.keys().length === 0)
  expect(await store.get(KEY)).toBeNull()
  reconsider = async () => {}
})

test('what a restored etcd lacks is written again, though the lease and all that was wanted are as before', async () => {
  const deaf = open()
  deaf.useLease(lease)
  deaf.publish(KEY, '10.0.0.1:1')
  await becomes('10.0.0.1:1')
  const { modRevision } = (await store.get(KEY)) ?? { modRevision: '0' }
  deaf.observe({ type: 'delete', key: '/services/clusters/B', seen: true }, modRevision)
  await store.remove(KEY)
  deaf.observe({ type: 'delete', key: KEY, seen: false }, '1')
  expect(await becomes('10.0.0.1:1')).toBe(true)
  deaf.stop()
})
