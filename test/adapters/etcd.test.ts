import { describe, expect, test } from 'vitest'
import { connect, type EtcdError, type Store } from '../../adapters/etcd.ts'
import type { LabEtcd } from '../lab/etcd.ts'
import { freePort } from '../lab/port.ts'
import { type Proxy, startProxy } from '../lab/proxy.ts'
import { labStore } from '../lab/store.ts'

let etcd: LabEtcd
let store: Store

labStore((lab) => void ({ etcd, store } = lab))

const codeOf = (call: Promise<unknown>): Promise<string> =>
  call.then(
    () => 'no error',
    (error: EtcdError) => error.code,
  )

describe('one key', () => {
  test('is read back with its revisions and lease', async () => {
    const lease = await store.grant(60)
    const first = await store.put('/one/a', 'x', { lease })
    const second = await store.put('/one/a', 'y\u{1F600}\uFEFF', { lease })
    expect(BigInt(second)).toBe(BigInt(first) + 1n)
    expect(await store.get('/one/a')).toEqual({
      key: '/one/a',
      value: 'y\u{1F600}\uFEFF',
      modRevision: second,
      createRevision: first,
      lease,
    })
    expect(await store.get('/one/none')).toBeNull()
    await store.revoke(lease)
    expect(await store.get('/one/a')).toBeNull()
    await store.revoke(lease) // gone already: fine
  })

  test('created by 20 at once has one winner, and all are told who', async () => {
    const tries = await Promise.all(
      Array.from({ length: 20 }, (_, i) => store.create('/race/create', `owner ${i}`)),
    )
    const winners = tries.filter(({ won }) => won)
    expect(winners).toHaveLength(1)
    expect(new Set(tries.map(({ holder }) => holder?.value)).size).toBe(1)
    expect(await store.get('/race/create')).toEqual(winners[0]?.holder)
  })

  test('replaced by 20 at once is replaced by one', async () => {
    const modRevision = await store.put('/race/replace', 'start')
    const tries = await Promise.all(
      Array.from({ length: 20 }, (_, i) =>
        store.replace('/race/replace', `owner ${i}`, { modRevision }),
      ),
    )
    const winner = tries.findIndex((revision) => revision !== null)
    expect(tries.filter((revision) => revision !== null)).toHaveLength(1)
    expect(await store.get('/race/replace')).toMatchObject({
      value: `owner ${winner}`,
      modRevision: tries[winner],
    })
    expect(await store.replace('/race/absent', 'x', { modRevision: '0' })).toBeNull()
    expect(await store.get('/race/absent')).toBeNull()
  })

  test('removed by 20 at once is removed by one', async () => {
    const modRevision = await store.put('/race/remove', 'x')
    const tries = await Promise.all(
      Array.from({ length: 20 }, () => store.remove('/race/remove', { modRevision })),
    )
    expect(tries.filter((revision) => revision !== null)).toEqual([
      String(BigInt(modRevision) + 1n),
    ])
    expect(await store.remove('/race/remove')).toBeNull()
  })

  test('is removed only under the lease that is named', async () => {
    const [mine, theirs] = [await store.grant(60), await store.grant(60)]
    await store.put('/lease/a', 'x', { lease: theirs })
    expect(await store.remove('/lease/a', { lease: mine })).toBeNull()
    expect(await store.remove('/lease/a', { lease: theirs })).not.toBeNull()
    await store.put('/lease/b', 'x')
    expect(await store.remove('/lease/b', { lease: mine })).toBeNull()
    expect(await store.remove('/lease/b', { lease: '0' })).not.toBeNull()
  })

  test('has a lease of which one can ask how much is left', async () => {
    const lease = await store.grant(60)
    const { granted, left } = await store.remaining(lease)
    expect(granted).toBe(60)
    expect(left).toBeGreaterThan(50)
    await store.revoke(lease)
    expect(await store.remaining(lease)).toEqual({ granted: 0, left: 0 })
  })

  test('with our value under our lease is ours when we try again', async () => {
    const [mine, theirs] = [await store.grant(60), await store.grant(60)]
    const first = await store.create('/again/a', 'token', { lease: mine })
    const again = await store.create('/again/a', 'token', { lease: mine })
    expect(again).toMatchObject({ won: true, revision: first.revision, holder: first.holder })
    expect(await store.create('/again/a', 'token', { lease: theirs })).toMatchObject({ won: false })
    expect(await store.create('/again/a', 'other', { lease: mine })).toMatchObject({ won: false })
  })

  test('without a lease belongs to the first even if the second has the same value', async () => {
    expect((await store.create('/again/b', 'same')).won).toBe(true)
    expect((await store.create('/again/b', 'same')).won).toBe(false)
  })
})

describe('lists', () => {
  test('give 2,500 keys in pages as of one revision', async () => {
    const keys = Array.from({ length: 2500 }, (_, i) => `/many/${String(i).padStart(4, '0')}`)
    for (let i = 0; i < keys.length; i += 250)
      await Promise.all(keys.slice(i, i + 250).map((key) => store.put(key, 'v')))
    const before = store.list('/many/')
    const writes = Promise.all(keys.slice(2400).map((key) => store.put(key, 'late')))
    const { entries, revision } = await before
    await writes
    expect(entries.map(({ key }) => key)).toEqual(keys)
    for (const { modRevision } of entries)
      expect(BigInt(modRevision)).toBeLessThanOrEqual(BigInt(revision))
    expect(entries.length).toBe(2500)
  })

  test('give huge values, more than 4 MB together', async () => {
    const value = 'x'.repeat(1_400_000)
    for (let i = 0; i < 10; i++) await store.put(`/huge/${i}`, value)
    const { entries } = await store.list('/huge/')
    expect(entries.map((entry) => entry.value.length)).toEqual(Array(10).fill(1_400_000))
    for (let i = 0; i < 10; i++) await store.remove(`/huge/${i}`)
  })

  test('of several prefixes do not mix neighbours in', async () => {
    for (const key of ['/p/a/1', '/p/aa/1', '/p/b/1', '/p/c/1']) await store.put(key, 'v')
    const { entries } = await store.listAll(['/p/a/', '/p/c/'])
    expect(entries.map(({ key }) => key)).toEqual(['/p/a/1', '/p/c/1'])
    expect((await store.list('/nothing/')).entries).toEqual([])
  })
})

describe('failures', () => {
  test('of the request are told apart', async () => {
    expect(await codeOf(store.put('/e', 'x', { lease: '123456' }))).toBe('lease-gone')
    expect(await codeOf(store.put('/e', 'x'.repeat(3_000_000)))).toBe('invalid')
    expect(await codeOf(store.put('', 'x'))).toBe('invalid')
  })

  test('of a closed store say so', async () => {
    const other = connect({ urls: [etcd.url] })
    other.close()
    expect(await codeOf(other.get('/a'))).toBe('closed')
  })

  test('of an etcd that is not there come at once and name it', async () => {
    const url = `http://127.0.0.1:${await freePort()}`
    const other = connect({ urls: [url] })
    const error = await other.get('/a').catch((cause: EtcdError) => cause)
    expect(error).toMatchObject({ code: 'unavailable' })
    expect((error as EtcdError).message).toContain(url)
    await expect(other.watch().then(({ stream }) => once(stream))).rejects.toThrow()
    other.close()
  })

  test('of an etcd that does not answer come within the deadline', async () => {
    const other = connect({ urls: [etcd.url], deadline: 800 })
    await other.get('/a')
    await etcd.pause()
    try {
      const calls = [
        other.get('/a'),
        other.list('/a'),
        other.put('/a', 'x'),
        other.create('/a', 'x'),
        other.remove('/a'),
        other.grant(10),
        other.renew('1', 500),
      ]
      expect(await Promise.all(calls.map(codeOf))).toEqual(calls.map(() => 'unavailable'))
    } finally {
      await etcd.resume()
    }
    await other.get('/a')
    other.close()
  })
})

describe('members', () => {
  test('that are dead or silent are left for the one that answers', async () => {
    const proxy: Proxy = await startProxy(etcd.url)
    proxy.freeze()
    const dead = `http://127.0.0.1:${await freePort()}`
    const other = connect({ urls: [dead, proxy.url, etcd.url], deadline: 6000 })
    expect(await other.create('/members/a', 'x')).toMatchObject({ won: true })
    expect((await other.get('/members/a'))?.value).toBe('x')
    other.close()
    await proxy.stop()
  })

  test('whose answer is lost do not make a create, replace or remove fail that was done', async () => {
    const proxy = await startProxy(etcd.url)
    const other = connect({ urls: [proxy.url, etcd.url], deadline: 2000 })
    await other.get('/warm')
    proxy.mute() // requests reach etcd, answers do not come back
    const created = await other.create('/lost/a', 'mine')
    expect(created).toMatchObject({ won: true, holder: { value: 'mine' } })
    other.close()

    const next = connect({ urls: [proxy.url, etcd.url], deadline: 2000 })
    proxy.heal()
    await next.get('/warm')
    proxy.mute()
    const { modRevision = '' } = (await store.get('/lost/a')) ?? {}
    const replaced = await next.replace('/lost/a', 'mine again', { modRevision })
    expect(replaced).toBe((await store.get('/lost/a'))?.modRevision)
    next.close()

    const last = connect({ urls: [proxy.url, etcd.url], deadline: 2000 })
    proxy.heal()
    await last.get('/warm')
    proxy.mute()
    expect(await last.remove('/lost/a', { modRevision: replaced ?? '' })).not.toBeNull()
    expect(await store.get('/lost/a')).toBeNull()
    last.close()
    await proxy.stop()
  })
})

function once(stream: { on(event: 'error', heard: (error: Error) => void): unknown }) {
  return new Promise<never>((_, reject) => stream.on('error', reject))
}
