import { beforeEach, describe, expect, it } from 'vitest'
import { Catalog, HOSTS } from '../../launcher/catalog.ts'
import { Keys } from '../../model/key.ts'
import { State } from '../../model/state.ts'

const keys = new Keys()
const never = new AbortController().signal
let catalog: Catalog
let revision: number
let rejected: string[]

beforeEach(() => {
  rejected = []
  revision = 1
  const networks = [{ family: 4 as const, bits: 10n << 24n, prefix: 8 }]
  const state = new State(keys, { networks, denied: new Set() })
  catalog = new Catalog(state, keys, ({ key }) => rejected.push(key))
})

function put(key: string, value: unknown): void {
  revision += 1
  const text = typeof value === 'string' ? value : JSON.stringify(value)
  const revisions = { modRevision: String(revision), createRevision: String(revision), lease: '0' }
  catalog.apply([{ type: 'put', entry: { key, value: text, ...revisions } }], String(revision))
}

function remove(key: string): void {
  revision += 1
  catalog.apply([{ type: 'delete', key, seen: true }], String(revision))
}

const blueprint = (name: string, pattern: string, image: string) => {
  put(keys.named('blueprint', name), { name, pattern, app: { image } })
}

describe('the App of a name', () => {
  it('is the stored one, whatever the case, before what any blueprint makes of it', () => {
    blueprint('any', '^[a-z]+$', 'any:1')
    put(keys.named('app', 'Shop'), { name: 'Shop', image: 'shop:1' })
    expect(catalog.find('sHOP')).toMatchObject({ name: 'Shop', image: 'shop:1' })
    expect(catalog.find('other')).toMatchObject({ name: 'other', image: 'any:1' })
  })

  it('comes from the first blueprint by name that fits, and from none that is gone', () => {
    blueprint('b', '^shop-[a-z]+$', 'b:1')
    blueprint('a', '^shop-x[a-z]*$', 'a:1')
    expect(catalog.find('shop-x')?.image).toBe('a:1')
    expect(catalog.find('shop-y')?.image).toBe('b:1')
    remove(keys.named('blueprint', 'a'))
    expect(catalog.find('shop-x')?.image).toBe('b:1')
    remove(keys.named('blueprint', 'b'))
    expect(catalog.find('shop-x')).toBeNull()
  })

  it('is none for what is no name', () => {
    blueprint('any', '^[a-z]+$', 'any:1')
    for (const name of ['', 'a/b', '..', 'a b', 'x'.repeat(64), '-a', '__proto__', 'ä'])
      expect(catalog.find(name)).toBeNull()
  })
})

describe('waiting', () => {
  const endpoint = (app: string) => () => catalog.endpoint(app, 0)

  it('ends in the tick in which what was waited for arrives', async () => {
    const waited = catalog.when('shop', endpoint('shop'), never)
    let done = false
    void waited.then(() => {
      done = true
    })
    put(keys.endpoint('shop', 0), '10.9.0.1:8000')
    await Promise.resolve()
    await Promise.resolve()
    expect(done).toBe(true)
    expect(await waited).toEqual({ host: '10.9.0.1', port: 8000 })
    expect(await catalog.when('SHOP', endpoint('SHOP'), never)).toEqual(await waited)
  })

  it('is disturbed by changes to its own app only', async () => {
    let tries = 0
    const test = () => {
      tries += 1
      return catalog.endpoint('shop', 0)
    }
    const waited = catalog.when('shop', test, never)
    put(keys.endpoint('other', 0), '10.9.0.1:8000')
    put(keys.named('app', 'other'), { name: 'other', image: 'other:1' })
    expect(tries).toBe(1)
    put(keys.endpoint('shop', 0), '10.9.0.1:8001')
    await waited
    expect(tries).toBe(2)
  })

  it('ends with its signal or its time', async () => {
    const leaving = new AbortController()
    const waited = catalog.when('shop', endpoint('shop'), leaving.signal)
    leaving.abort(new Error('left'))
    await expect(waited).rejects.toThrow('left')
    expect(await catalog.whenWithin('shop', endpoint('shop'), 10, never)).toBeNull()
  })

  it('for hosts is told when one registers', async () => {
    const count = () => (catalog.state.hosts.size > 0 ? catalog.state.hosts.size : null)
    const waited = catalog.when(HOSTS, count, never)
    const where = { address: '10.9.0.1', engine: 'unix:///run/docker.sock', publish: '10.9.0.1' }
    put(keys.named('host', 'one'), { name: 'one', ...where, cpus: 2, memory: 1 })
    expect(await waited).toBe(1)
  })
})

it('remembers when it saw an app being used', () => {
  expect(catalog.lastUse('shop')).toBeNull()
  put(keys.named('activity', 'Shop'), new Date().toISOString())
  expect(catalog.lastUse('shop')).toBeLessThanOrEqual(performance.now())
  remove(keys.named('activity', 'Shop'))
  expect(catalog.lastUse('shop')).toBeNull()
})

it('tells of entries that have no effect, and keeps what was there', () => {
  put(keys.endpoint('shop', 0), '10.9.0.1:8000')
  put(keys.endpoint('shop', 0), '169.254.169.254:80')
  expect(rejected).toEqual([keys.endpoint('shop', 0)])
  expect(catalog.endpoint('shop', 0)).toEqual({ host: '10.9.0.1', port: 8000 })
})

it('knows no more than an etcd says that was restored and counts from less', () => {
  catalog.apply([], '500')
  put(keys.named('app', 'shop'), { name: 'shop', image: 'shop:1' })
  expect(catalog.revision).toBe(2n)
})
