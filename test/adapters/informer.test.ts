import { Etcd3 } from 'etcd3'
import { describe, expect, test } from 'vitest'
import { connect, Store } from '../../adapters/etcd.ts'
import { type Change, Informer, type InformerOptions } from '../../adapters/informer.ts'
import { type LabEtcd, startEtcd } from '../lab/etcd.ts'
import { labLeftovers } from '../lab/leftovers.ts'
import { type Proxy, startProxy } from '../lab/proxy.ts'
import { labStore } from '../lab/store.ts'

let etcd: LabEtcd
/** The writer: straight to etcd, whatever happens to the informer's line. */
let store: Store

labStore((lab) => void ({ etcd, store } = lab))
const leftovers = labLeftovers()

interface Batch {
  changes: Change[]
  revision: string
  why: 'list' | 'watch'
}

/** An informer whose batches are kept, and applied to a map. */
function mirror(reader: Store, prefixes: string[], more: Partial<InformerOptions> = {}) {
  const batches: Batch[] = []
  const values = new Map<string, string>()
  const informer = new Informer(reader, prefixes, {
    onChange: (changes, revision, why) => {
      batches.push({ changes, revision, why })
      for (const change of changes)
        if (change.type === 'put') values.set(change.entry.key, change.entry.value)
        else values.delete(change.key)
    },
    ...more,
  })
  informer.start()
  leftovers.push(() => informer.stop())
  return { informer, batches, values, later: () => batches.slice(1) }
}

async function proxied(): Promise<{ proxy: Proxy; reader: Store }> {
  const proxy = await startProxy(etcd.url)
  const reader = connect({ urls: [proxy.url] })
  leftovers.push(
    () => proxy.stop(),
    () => reader.close(),
  )
  return { proxy, reader }
}

async function truth(prefix: string, from = store): Promise<Map<string, string>> {
  const { entries } = await from.list(prefix)
  return new Map(entries.map(({ key, value }) => [key, value]))
}

const names = (batch: Batch | undefined): string[] =>
  (batch?.changes ?? []).map((change) =>
    change.type === 'put'
      ? `put ${change.entry.key}`
      : `${change.seen ? 'delete' : 'missing'} ${change.key}`,
  )

describe('with nothing broken', () => {
  test('keeps and tells of entries what is wanted of them, listed or watched', async () => {
    await store.put('/gist/x', 'long')
    const gist = <T extends { value: string }>(entry: T) => ({
      ...entry,
      value: entry.value[0] ?? '',
    })
    const { informer, values, batches } = mirror(store, ['/gist/'], { gist, relist: 100 })
    await informer.synced
    await store.put('/gist/y', 'word')
    await expect
      .poll(() => [...values])
      .toEqual([
        ['/gist/x', 'l'],
        ['/gist/y', 'w'],
      ])
    await new Promise((resolve) => setTimeout(resolve, 400))
    expect(batches).toHaveLength(2) // a list anew is no news
  })

  test('gives first all there is, oldest first, then each change with its revision', async () => {
    await store.put('/a/z', '1')
    const listed = await store.put('/a/y', '2')
    const { informer, batches } = mirror(store, ['/a/'])
    await informer.synced
    expect(batches).toHaveLength(1)
    expect(names(batches[0])).toEqual(['put /a/z', 'put /a/y'])
    expect(BigInt(batches[0]?.revision ?? 0)).toBeGreaterThanOrEqual(BigInt(listed))
    await expect.poll(() => informer.connected).toBe(true)

    const put = await store.put('/a/y', '3')
    const removed = await store.remove('/a/z')
    await expect.poll(() => batches.length).toBe(3)
    expect(batches[1]).toMatchObject({ why: 'watch', revision: put })
    expect(batches[2]).toEqual({
      why: 'watch',
      revision: removed,
      changes: [{ type: 'delete', key: '/a/z', seen: true }],
    })
    expect(informer.revision).toBe(removed)
  })

  test('begins with an empty batch where there is nothing', async () => {
    const { informer, batches } = mirror(store, ['/none/'])
    await informer.synced
    expect(batches).toEqual([{ changes: [], revision: informer.revision, why: 'list' }])
  })

  test('tells several prefixes in one order and nobody else’s keys', async () => {
    const { informer, batches } = mirror(store, ['/b/one/', '/b/three/'])
    await informer.synced
    await expect.poll(() => informer.connected).toBe(true)
    for (let i = 0; i < 20; i++) {
      await store.put(`/b/${i % 2 ? 'one' : 'three'}/${i}`, 'x')
      await store.put(`/b/onetwo/${i}`, 'x')
      await store.put(`/b/other/${i}`, 'x')
    }
    const other = await store.put('/b/other/last', 'x')
    await expect.poll(() => informer.revision).toBe(other)
    const keys = batches.flatMap(names)
    expect(keys).toEqual(
      Array.from({ length: 20 }, (_, i) => `put /b/${i % 2 ? 'one' : 'three'}/${i}`),
    )
    expect(batches.at(-1)?.revision).not.toBe(other)
  })

  test('lists again on its tick and tells nothing where nothing differs', async () => {
    await store.put('/tick/a', 'x')
    let lists = 0
    const { informer, batches } = mirror(store, ['/tick/'], { relist: 50, onSync: () => lists++ })
    await expect.poll(() => lists).toBeGreaterThan(4)
    expect(batches).toHaveLength(1)
    await store.put('/tick/a', 'y')
    await expect.poll(() => batches.length).toBe(2)
    informer.stop()
  })

  test('outlives a handler that throws', async () => {
    const said: string[] = []
    const values: string[] = []
    const { informer } = mirror(store, ['/throw/'], {
      onChange: (changes) => {
        values.push(...changes.map((change) => change.type))
        throw new Error('a bug')
      },
      onSync: () => {
        throw new Error('another')
      },
      log: { warn: (_, message) => said.push(message), info: () => {}, debug: () => {} },
    })
    await informer.synced
    await expect.poll(() => informer.connected).toBe(true)
    await store.put('/throw/a', '1')
    await store.put('/throw/a', '2')
    await expect.poll(() => values).toEqual(['put', 'put'])
    expect(new Set(said)).toEqual(new Set(['a handler of etcd changes threw']))
  })

  test('tells nothing after stop', async () => {
    const { informer, batches } = mirror(store, ['/stop/'])
    await informer.synced
    informer.stop()
    await store.put('/stop/a', 'x')
    await store.get('/stop/a')
    expect(batches).toHaveLength(1)
    expect(informer.connected).toBe(false)
  })
})

describe('with a broken line', () => {
  test('tells only what differs after it, and deletes as missing', async () => {
    const { proxy, reader } = await proxied()
    for (const key of ['kept', 'gone', 'changed']) await store.put(`/line/${key}`, 'x')
    const { informer, values, batches } = mirror(reader, ['/line/'])
    await informer.synced
    proxy.refuse()
    await store.remove('/line/gone')
    await store.put('/line/changed', 'y')
    await store.put('/line/new', 'z')
    await expect.poll(() => informer.connected).toBe(false)
    proxy.heal()
    await expect.poll(() => batches.length, { timeout: 10_000 }).toBe(2)
    expect(batches[1]?.why).toBe('list')
    expect(names(batches[1])).toEqual(['missing /line/gone', 'put /line/changed', 'put /line/new'])
    expect(values).toEqual(await truth('/line/'))
  })

  test('loses nothing when cut in the middle of a backlog', async () => {
    const { proxy } = await proxied()
    let lists = 0
    /** Fills the gap between list and watch, so that the watch begins with a backlog. */
    class Busy extends Store {
      override async listAll(prefixes: string[]) {
        const result = await super.listAll(prefixes)
        if (lists++ > 0) return result
        for (let i = 0; i < 2000; i += 200)
          await Promise.all(
            Array.from({ length: 200 }, (_, n) => store.put(`/backlog/${i + n}`, 'x'.repeat(100))),
          )
        proxy.cutAfter(100_000)
        return result
      }
    }
    const reader = new Busy({ urls: [proxy.url] })
    leftovers.push(() => reader.close())
    const { values } = mirror(reader, ['/backlog/'])
    await expect.poll(() => values.size, { timeout: 25_000 }).toBe(2000)
    expect(values).toEqual(await truth('/backlog/'))
    expect(lists).toBeGreaterThan(1)
  })

  test('lists again when the revision it wants to watch from was compacted', async () => {
    const raw = new Etcd3({ hosts: etcd.url })
    leftovers.push(() => raw.close())
    const said: string[] = []
    let lists = 0
    class Slow extends Store {
      override async listAll(prefixes: string[]) {
        const result = await super.listAll(prefixes)
        if (lists++ > 0) return result
        await store.put('/compact/a', '1')
        await store.remove('/compact/a')
        const revision = await store.put('/compact/b', '2')
        await raw.kv.compact({ revision, physical: true })
        return result
      }
    }
    const reader = new Slow({ urls: [etcd.url] })
    leftovers.push(() => reader.close())
    const { values } = mirror(reader, ['/compact/'], {
      log: { warn: (fields) => said.push(JSON.stringify(fields)), info: () => {}, debug: () => {} },
    })
    await expect.poll(() => values, { timeout: 10_000 }).toEqual(new Map([['/compact/b', '2']]))
    expect(said.join()).toContain('compacted')
  })

  test('moves to another member when its own falls silent', async () => {
    const proxy = await startProxy(etcd.url)
    const reader = connect({ urls: [proxy.url, etcd.url] })
    leftovers.push(
      () => proxy.stop(),
      () => reader.close(),
    )
    const { informer, values } = mirror(reader, ['/silent/'])
    await informer.synced
    await expect.poll(() => informer.connected).toBe(true)
    proxy.freeze()
    await store.put('/silent/a', 'x')
    await expect.poll(() => values.get('/silent/a'), { timeout: 15_000 }).toBe('x')
  })

  test('mirrors all in order over a line that delays everything, and is cut on top', async () => {
    const { proxy, reader } = await proxied()
    proxy.slow(300)
    const { informer, values, batches } = mirror(reader, ['/slow/'])
    await informer.synced
    for (let i = 0; i < 200; i++) {
      if (i === 100) proxy.cut()
      await store.put(`/slow/${i % 20}`, String(i))
    }
    const wanted = await truth('/slow/')
    await expect.poll(() => values, { timeout: 10_000 }).toEqual(wanted)
    const revisions = batches.map(({ revision }) => BigInt(revision))
    expect(revisions).toEqual([...revisions].sort((a, b) => (a < b ? -1 : 1)))
  })

  test('ends right after many cuts, refusals and silences', async () => {
    const { proxy, reader } = await proxied()
    const { values } = mirror(reader, ['/chaos/'])
    for (let i = 0; i < 60; i++) {
      const fault = i % 10
      if (fault === 1) proxy.cut()
      if (fault === 3) proxy.refuse()
      if (fault === 5) proxy.heal()
      if (fault === 6) proxy.cutAfter(500)
      if (fault === 7) proxy.freeze()
      if (fault === 9) proxy.heal()
      await Promise.all(
        Array.from({ length: 10 }, (_, n) => store.put(`/chaos/${(i * 7 + n) % 97}`, `${i}`)),
      )
      if (i % 3 === 0) await store.remove(`/chaos/${(i * 7) % 97}`)
      await new Promise((resolve) => setTimeout(resolve, 40))
    }
    proxy.heal()
    const wanted = await truth('/chaos/')
    await expect.poll(() => values, { timeout: 15_000 }).toEqual(wanted)
  })
})

describe('with etcd itself gone for a while', () => {
  test('goes on after a stop and start', async () => {
    const { informer, values } = mirror(store, ['/restart/'])
    await informer.synced
    await store.put('/restart/a', 'x')
    await etcd.down()
    await expect.poll(() => informer.connected).toBe(false)
    await etcd.up()
    await until(() => store.put('/restart/b', 'y'))
    await expect
      .poll(() => [...values.keys()], { timeout: 10_000 })
      .toEqual(['/restart/a', '/restart/b'])
  })

  test('loses nothing of a writer that goes on through kill -9', async () => {
    const { values } = mirror(store, ['/kill/'])
    let stop = false
    const writer = (async () => {
      for (let i = 0; !stop; i++) {
        await store.put(`/kill/${i % 50}`, String(i)).catch(() => {})
        await new Promise((resolve) => setTimeout(resolve, 5))
      }
    })()
    for (let round = 0; round < 3; round++) {
      await new Promise((resolve) => setTimeout(resolve, 400))
      await etcd.kill()
      await etcd.up()
    }
    stop = true
    await writer
    const wanted = await truth('/kill/')
    expect(wanted.size).toBeGreaterThan(0)
    await expect.poll(() => values, { timeout: 10_000 }).toEqual(wanted)
  })

  test('starts while etcd is away and gets there', async () => {
    await etcd.down()
    const said: string[] = []
    const say = (_: object, message: string) => said.push(message)
    const { informer, batches } = mirror(store, ['/late/'], {
      log: { warn: say, info: say, debug: () => {} },
    })
    await new Promise((resolve) => setTimeout(resolve, 500))
    expect(batches).toHaveLength(0)
    await etcd.up()
    await informer.synced
    expect(batches).toHaveLength(1)
    await expect
      .poll(() => said)
      .toEqual(['no watch on etcd, trying again', 'etcd is watched again'])
  })

  test('takes the word of an etcd that lost its data or was replaced', async () => {
    const { proxy, reader } = await proxied()
    for (const key of ['a', 'b', 'same']) await store.put(`/wiped/${key}`, 'old')
    const said: string[] = []
    const { informer, values, batches } = mirror(reader, ['/wiped/'], {
      log: { warn: (_, message) => said.push(message), info: () => {}, debug: () => {} },
    })
    await informer.synced
    const before = informer.revision

    const fresh = await startEtcd()
    leftovers.push(() => fresh.stop())
    const other = connect({ urls: [fresh.url] })
    leftovers.push(() => other.close())
    await other.put('/wiped/same', 'new')
    proxy.aim(fresh.url)
    await expect.poll(() => values, { timeout: 10_000 }).toEqual(new Map([['/wiped/same', 'new']]))
    expect(BigInt(informer.revision)).toBeLessThan(BigInt(before))
    expect(names(batches[1])).toEqual(['missing /wiped/a', 'missing /wiped/b', 'put /wiped/same'])
    expect(said.join()).toContain('back in time')
    await expect.poll(() => informer.connected, { timeout: 5_000 }).toBe(true)
    await other.put('/wiped/later', 'x')
    await expect.poll(() => values.get('/wiped/later')).toBe('x')
  })
})

/** Tries until it works: etcd answers /health a moment before it takes writes again. */
async function until(call: () => Promise<unknown>): Promise<void> {
  for (let i = 0; ; i++)
    try {
      await call()
      return
    } catch (error) {
      if (i > 20) throw error
      await new Promise((resolve) => setTimeout(resolve, 200))
    }
}
