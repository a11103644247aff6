import { describe, expect, test } from 'vitest'
import { connect, Store, type WatchStream } from '../../adapters/etcd.ts'
import { Informer } from '../../adapters/informer.ts'
import { type LabEtcd, startEtcd } from '../lab/etcd.ts'
import { labLeftovers } from '../lab/leftovers.ts'
import { startProxy } from '../lab/proxy.ts'
import { labStore } from '../lab/store.ts'

/** A value that is known by its hash. */
const LONG = 'x'.repeat(1000)

let etcd: LabEtcd
let store: Store

labStore((lab) => void ({ etcd, store } = lab))
const leftovers = labLeftovers()

/** A reader of etcd that counts how often it lists, and whose watch loses what it is told to, as etcd itself may. */
class Reader extends Store {
  lists = 0
  looks = 0
  loses = (_key: string): boolean => false

  override listAll(...args: Parameters<Store['listAll']>) {
    this.lists += 1
    return super.listAll(...args)
  }

  /** What happens while etcd is asked. */
  meanwhile = async (): Promise<void> => {}

  override async since(...args: Parameters<Store['since']>) {
    this.looks += 1
    await this.meanwhile()
    return super.since(...args)
  }

  override async watch(): Promise<WatchStream> {
    const watch = await super.watch()
    const { stream } = watch
    const on = stream.on.bind(stream)
    const lossy = (event: string, listener: (...args: unknown[]) => void) =>
      on(event as 'data', (data) => {
        if (event !== 'data') return listener(data)
        const events = data.events.filter(({ kv }) => !this.loses(kv.key.toString()))
        if (events.length === data.events.length || events.length > 0) listener({ ...data, events })
      })
    return Object.assign(watch, { stream: Object.assign(stream, { on: lossy }) })
  }
}

async function mirror(prefix: string | string[], { url = etcd.url, relist = 50 } = {}) {
  const reader = new Reader({ urls: [url] })
  const values = new Map<string, string>()
  const said: string[] = []
  const say = (_: object, message: string) => said.push(message)
  const informer = new Informer(reader, [prefix].flat(), {
    onChange: (changes) => {
      for (const change of changes)
        if (change.type === 'put') values.set(change.entry.key, change.entry.value)
        else values.delete(change.key)
    },
    relist,
    log: { warn: say, info: say, debug: say },
  })
  informer.start()
  leftovers.push(
    () => reader.close(),
    () => informer.stop(),
  )
  await informer.synced
  await expect.poll(() => informer.connected).toBe(true)
  return { informer, reader, values, said }
}

describe('a watch that loses events', () => {
  test.each<[string, () => Promise<unknown>, object]>([
    ['change', () => store.put('/lost/change/one', `${LONG}y`), { one: `${LONG}y` }],
    ['new entry', () => store.put('/lost/new entry/new', 'z'), { one: LONG, new: 'z' }],
    ['delete', () => store.remove('/lost/delete/one'), {}],
  ])(
    'is found out where it lost a %s, and only then is all listed anew',
    async (what, lose, rest) => {
      const prefix = `/lost/${what}/`
      for (const name of ['one', 'same']) await store.put(`${prefix}${name}`, LONG)
      const { reader, values, said } = await mirror(prefix)
      await expect.poll(() => reader.looks).toBeGreaterThan(3)
      expect(reader.lists).toBe(1)

      reader.loses = (key) => key !== `${prefix}seen`
      await lose()
      await store.put(`${prefix}seen`, 'x')
      const all = Object.entries({ ...rest, same: LONG, seen: 'x' })
      const wanted = new Map(all.map(([name, value]) => [`${prefix}${name}`, value]))
      await expect.poll(() => values, { timeout: 5_000 }).toEqual(wanted)
      expect(said).toContain('all is listed anew')

      const [lists, looks] = [reader.lists, reader.looks]
      await expect.poll(() => reader.looks).toBeGreaterThan(looks + 3)
      expect(reader.lists).toBe(lists)
    },
  )
})

test('a watch that tells of one change while etcd is asked and loses the next of that key is found out', async () => {
  const key = '/both/a'
  await store.put(key, 'first')
  const { reader, values, said } = await mirror('/both/')
  const lost = new Promise<void>((resolve) => {
    reader.meanwhile = async () => {
      reader.meanwhile = async () => {}
      await store.put(key, 'told')
      await expect.poll(() => values.get(key)).toBe('told')
      reader.loses = () => true
      await store.put(key, 'lost')
      resolve()
    }
  })
  await lost
  await expect.poll(() => values.get(key), { timeout: 5_000 }).toBe('lost')
  expect(said).toContain('all is listed anew')
})

describe('a watch that tells all', () => {
  test('is taken at its word however much changes while etcd is asked', async () => {
    const { reader, values } = await mirror('/churn/', { relist: 5 })
    for (let i = 0; i < 600; i++) {
      const key = `/churn/${i % 40}`
      if (i % 3 === 2) await store.remove(key)
      else await store.put(key, `${LONG}${i}`)
    }
    // On a machine that is busy an event may come later than it is waited for.
    expect(reader.lists).toBeLessThan(reader.looks / 5)
    const { entries } = await store.list('/churn/')
    const truth = new Map(entries.map(({ key, value }) => [key, value]))
    await expect.poll(() => values).toEqual(truth)
  })

  test('has entries once where one prefix is in another', async () => {
    await store.put('/nest/a', 'x')
    await store.put('/nest/ab', 'x')
    const { reader } = await mirror(['/nest/ab', '/nest/a', '/nest/a'])
    await expect.poll(() => reader.looks).toBeGreaterThan(3)
    expect(reader.lists).toBe(1)
  })

  test('ends with its etcd: a restored one may have another value at the same revision', async () => {
    const proxy = await startProxy(etcd.url)
    leftovers.push(() => proxy.stop())
    const key = '/twin/a'
    const revision = await store.put(key, `${LONG}one`)
    const { values } = await mirror('/twin/', { url: proxy.url })

    // Restored: it reaches the same revision with another value of the same length.
    const twin = await startEtcd()
    leftovers.push(() => twin.stop())
    const other = connect({ urls: [twin.url] })
    leftovers.push(() => other.close())
    while (BigInt(await other.put('/elsewhere', 'x')) < BigInt(revision) - 1n);
    expect(await other.put(key, `${LONG}two`)).toBe(revision)
    proxy.aim(twin.url)
    await expect.poll(() => values.get(key), { timeout: 10_000 }).toBe(`${LONG}two`)
  })
})
