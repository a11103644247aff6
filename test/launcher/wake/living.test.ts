import { beforeEach, describe, expect, it } from 'vitest'
import { Catalog } from '../../../launcher/catalog.ts'
import { Living } from '../../../launcher/wake/living.ts'
import { App } from '../../../model/app.ts'
import { type Endpoint, formatEndpoint } from '../../../model/endpoint.ts'
import { Keys } from '../../../model/key.ts'
import { PIN } from '../../../model/pin.ts'
import { State } from '../../../model/state.ts'

const keys = new Keys()
const never = new AbortController().signal
const app = App.parse({ name: 'shop', image: 'shop:1', startTimeout: 1, replicas: 3, sticky: true })

let catalog: Catalog
/** what accepts connections; anything else swallows them until the test lets go */
let open: Set<string>
let swallowed: (() => void)[]
let tried: string[]
let revision: number

beforeEach(() => {
  const networks = [{ family: 4 as const, bits: 10n << 24n, prefix: 8 }]
  catalog = new Catalog(new State(keys, { networks, denied: new Set() }), keys)
  open = new Set()
  swallowed = []
  tried = []
  revision = 1
})

/** @param lease seconds */
const livingWith = (lease: number) =>
  new Living(
    catalog,
    {
      connect: (endpoint: Endpoint) => {
        tried.push(formatEndpoint(endpoint))
        if (open.has(formatEndpoint(endpoint))) return Promise.resolve(true)
        return new Promise((resolve) => swallowed.push(() => resolve(false)))
      },
      read: async (key) => ({ value: valueOf(key) }),
    },
    lease,
  )

function valueOf(key: string): string {
  for (const slots of catalog.state.endpoints.values())
    for (const { entry } of slots.values()) if (entry.key === key) return entry.value
  return ''
}

function register(slot: number, value: string): void {
  revision += 1
  const at = { modRevision: String(revision), createRevision: String(revision), lease: '1' }
  const entry = { key: keys.endpoint('shop', slot), value, ...at }
  catalog.apply([{ type: 'put', entry }], String(revision))
}

function unregister(slot: number): void {
  revision += 1
  const change = { type: 'delete' as const, key: keys.endpoint('shop', slot), seen: true }
  catalog.apply([change], String(revision))
}

const letGo = (): void => {
  for (const fail of swallowed.splice(0)) fail()
}

describe('an instance that answers', () => {
  it('is found beside others whose hosts swallow connects, without waiting for these', async () => {
    register(0, '10.9.0.1:80')
    register(1, '10.9.0.2:80')
    register(2, '10.9.0.3:80')
    open.add('10.9.0.3:80')
    const found = await livingWith(10).find(app, '10.9.0.1:80', never)
    expect(found).toEqual({ endpoint: { host: '10.9.0.3', port: 80 }, proven: true })
    expect(tried).not.toContain('10.9.0.1:80') // just found dead: only if there is no other
  })
})

describe('an instance that does not', () => {
  it('is waited for until the lease of its host is over, then the app is woken elsewhere', async () => {
    register(0, '10.9.0.1:80')
    const found = livingWith(10).find(app, '10.9.0.1:80', never)
    let over = false
    void found.finally(() => {
      over = true
    })
    // longer than the app's own start timeout of a second
    const until = performance.now() + 1_800
    while (performance.now() < until) {
      letGo()
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
    expect(over).toBe(false)
    unregister(0)
    letGo()
    expect(await found).toBeNull()
  })

  it('is told of when even that is over', async () => {
    register(0, '10.9.0.1:80')
    const found = livingWith(0).find(app, '', never)
    const letting = setInterval(letGo, 20)
    await expect(found).rejects.toMatchObject({ code: 'not-ready' })
    clearInterval(letting)
  })
})

describe('the instance a client stays with', () => {
  it('is named by an id and found by it, where it answers', async () => {
    const living = livingWith(10)
    register(0, '10.9.0.1:80')
    register(1, '10.9.0.2:80')
    open.add('10.9.0.1:80')
    open.add('10.9.0.2:80')
    const pin = living.pinOf('shop', { host: '10.9.0.2', port: 80 }) as string
    expect(pin).toMatch(PIN)
    const where = { host: '10.9.0.2', port: 80 }
    expect(await living.pinned(app, { pin, dead: '' })).toEqual(where)
    expect(await living.pinned(app, { pin, dead: '10.9.0.2:80' })).toBeNull()
    expect(await living.pinned({ ...app, sticky: false }, { pin, dead: '' })).toBeNull()
    expect(await living.pinned(app, { pin: '0123456789abcdef', dead: '' })).toBeNull()
    expect(living.pinOf('other', where)).toBeNull()
    // another instance in its slot is another one
    register(1, '10.9.0.2:81')
    expect(await living.pinned(app, { pin, dead: '' })).toBeNull()
  })
})

it('a pool without servers is known, and silent; a name that nobody registered is not', async () => {
  const value = JSON.stringify({ name: 'web' })
  const at = { modRevision: '2', createRevision: '2', lease: '1' }
  catalog.apply([{ type: 'put', entry: { key: keys.named('pool', 'web'), value, ...at } }], '2')
  expect(await livingWith(1).registered('WEB', '')).toBe('silent')
  expect(await livingWith(1).registered('other', '')).toBeNull()
})
