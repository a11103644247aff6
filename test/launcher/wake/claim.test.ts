import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Store } from '../../../adapters/etcd.ts'
import { Informer } from '../../../adapters/informer.ts'
import { Session } from '../../../adapters/session.ts'
import { Catalog } from '../../../launcher/catalog.ts'
import type { Unwritten } from '../../../launcher/place/reservation.ts'
import { Claims, type WakeClaim } from '../../../launcher/wake/claim.ts'
import { type ClaimStore, withdraw } from '../../../launcher/wake/withdrawal.ts'
import { Keys } from '../../../model/key.ts'
import { Claim } from '../../../model/record.ts'
import { State } from '../../../model/state.ts'
import type { LabEtcd } from '../../lab/etcd.ts'
import { labStore } from '../../lab/store.ts'

const keys = new Keys()
const silent = { info: () => {}, warn: () => {}, debug: () => {} }
const patient = { patient: true, signal: new AbortController().signal }
const hurried = { ...patient, patient: false }

let etcd: LabEtcd
let store: Store
let one: Awaited<ReturnType<typeof launcher>>
let two: Awaited<ReturnType<typeof launcher>>
const ends: (() => Promise<void>)[] = []

let earlier: string | null = null

async function launcher(id: string) {
  const networks = [{ family: 4 as const, bits: 0n, prefix: 0 }]
  const catalog = new Catalog(new State(keys, { networks, denied: new Set() }), keys)
  const session = new Session(store, 10, { onLease: () => {}, log: silent })
  const informer = new Informer(store, [keys.folder('endpoint'), keys.folder('claim')], {
    onChange: (batch, revision) => catalog.apply(batch, revision),
  })
  informer.start()
  await Promise.all([informer.synced, session.start()])
  ends.push(async () => {
    informer.stop()
    await session.stop()
  })
  const parts = { catalog, session, id, earlier: () => earlier }
  return { ...parts, claims: new Claims({ ...parts, store }) }
}

labStore((lab) => void ({ etcd, store } = lab))
beforeAll(async () => {
  one = await launcher('one')
  two = await launcher('two')
})
afterAll(async () => {
  for (const end of ends) await end()
})

async function holder(app: string): Promise<Claim | null> {
  const entry = await store.get(keys.claim(app, 0))
  return entry && Claim.parse(JSON.parse(entry.value))
}

/** What a registrar or the API writes to put a slot to sleep. */
async function sleeping(app: string, more: Partial<Claim>): Promise<void> {
  const claim = { owner: 'host/1', action: 'sleep', since: new Date().toISOString(), ...more }
  await store.put(keys.claim(app, 0), JSON.stringify(claim))
  for (const { catalog } of [one, two])
    await catalog.when(app, () => catalog.claim(app, 0), AbortSignal.timeout(5_000))
}

describe('the right to start a slot', () => {
  it('is given to one, and to the next when it is given back', async () => {
    const first = (await one.claims.acquire('a', 0, patient)) as WakeClaim
    expect(first.valid()).toBe(true)
    expect(await two.claims.acquire('a', 0, hurried)).toBe('busy')
    const second = two.claims.acquire('a', 0, patient)
    expect((await holder('a'))?.owner).toMatch(/^one\//)
    first.release()
    expect(await second).toMatchObject({ contested: true })
    expect((await holder('a'))?.owner).toMatch(/^two\//)
  })

  it('is given to exactly one of many who ask at once', async () => {
    const asked = Array.from({ length: 20 }, (_, i) =>
      (i % 2 ? one : two).claims.acquire('many', 0, hurried),
    )
    const outcomes = await Promise.all(asked)
    expect(outcomes.filter((outcome) => outcome !== 'busy')).toHaveLength(1)
  })

  it('is free again when the lease of a launcher that died ends, which knows before that it has it no more', async () => {
    const dying = await launcher('dying')
    const held = (await dying.claims.acquire('dead', 0, patient)) as WakeClaim
    const waits = two.claims.acquire('dead', 0, patient)
    const { lease } = dying.session
    let taken = false
    void waits.then(() => {
      taken = true
    })
    await etcd.pause()
    await expect.poll(() => held.valid(), { timeout: 15_000 }).toBe(false)
    expect(taken).toBe(false)
    await etcd.resume()
    await store.revoke(lease ?? '')
    expect(await waits).toMatchObject({ contested: true })
    expect((await holder('dead'))?.owner).toMatch(/^two\//)
  }, 40_000)

  it('is not needed for what runs', async () => {
    const waits = one.claims.acquire('b', 0, patient)
    const held = (await waits) as WakeClaim
    const other = two.claims.acquire('b', 0, patient)
    await store.put(keys.endpoint('b', 0), '10.9.0.1:8000')
    expect(await other).toBe('running')
    held.release()
    expect(await two.claims.acquire('b', 0, patient)).toBe('running')
  })

  it.each([{ phase: 'requested' }, { phase: 'draining' }] as const)(
    'takes a sleep back that is %o',
    async (more) => {
      const app = `back-${more.phase}`
      await sleeping(app, more)
      await one.claims.acquire(app, 0, patient)
      expect(await holder(app)).toMatchObject({ action: 'wake' })
    },
  )

  it.each([
    { phase: 'stopping' },
    { phase: 'draining', firm: true },
    { phase: 'requested', firm: true },
  ] as const)('waits for a sleep that is %o', async (more) => {
    const app = `wait-${more.phase}-${'firm' in more}`
    await sleeping(app, more)
    expect(await one.claims.acquire(app, 0, hurried)).toBe('busy')
    const waits = one.claims.acquire(app, 0, patient)
    expect(await holder(app)).toMatchObject({ action: 'sleep' })
    await store.remove(keys.claim(app, 0))
    await waits
    expect(await holder(app)).toMatchObject({ action: 'wake' })
  })

  it('is taken from what an earlier run left behind, not from another launcher of the same id', async () => {
    const left = { owner: 'one/left', action: 'wake', since: new Date().toISOString() }
    const lease = await store.grant(60)
    await store.put(keys.claim('left', 0), JSON.stringify(left), { lease })
    await one.catalog.when('left', () => one.catalog.claim('left', 0), AbortSignal.timeout(5_000))
    expect(await one.claims.acquire('left', 0, hurried)).toBe('busy')
    earlier = lease
    expect(await one.claims.acquire('left', 0, hurried)).not.toBe('busy')
    earlier = null
  })

  it('is taken from a claim that somebody put by hand, under no lease, after a while', async () => {
    const hand = { owner: 'me', action: 'wake', since: new Date().toISOString() }
    await store.put(keys.claim('hand', 0), JSON.stringify(hand))
    await one.catalog.when('hand', () => one.catalog.claim('hand', 0), AbortSignal.timeout(5_000))
    expect(await one.claims.acquire('hand', 0, hurried)).toBe('busy')
    await one.claims.acquire('hand', 0, patient)
    expect((await holder('hand'))?.owner).toMatch(/^one\//)
  }, 20_000)

  it('is not asked for again and again while nobody can read who has it', async () => {
    const key = keys.claim('odd', 0)
    await store.put(key, 'what is this?')
    await expect.poll(() => one.catalog.state.rejected.has(key)).toBe(true)
    let asked = 0
    const counting: ClaimStore = {
      get: (name) => store.get(name),
      replace: (name, value, options) => store.replace(name, value, options),
      remove: (name, options) => store.remove(name, options),
      create: async (name, value, options) => {
        asked += 1
        return await store.create(name, value, options)
      },
    }
    const claims = new Claims({ ...one, store: counting, id: 'counting' })
    const waits = claims.acquire('odd', 0, patient)
    await expect.poll(() => asked).toBeGreaterThan(0)
    for (let round = 0; round < 20; round++) await store.get(key)
    expect(asked).toBeLessThan(5)
    await store.remove(key)
    await waits
    expect((await holder('odd'))?.owner).toMatch(/^counting\//)
  })

  it('does not stay with a wake that was given up although etcd had written its claim', async () => {
    const lossy: ClaimStore = {
      get: (key) => store.get(key),
      replace: (key, value, options) => store.replace(key, value, options),
      remove: (key, options) => store.remove(key, options),
      create: async (key, value, options) => {
        await store.create(key, value, options)
        throw new Error('the answer was lost')
      },
    }
    const { session } = one
    const deaf = new Catalog(
      new State(keys, {
        networks: [{ family: 4, bits: 0n, prefix: 0 }],
        denied: new Set(),
      }),
      keys,
    )
    const claims = new Claims({ catalog: deaf, session, store: lossy, id: 'lossy' })
    await expect(claims.acquire('lost', 0, patient)).rejects.toMatchObject({ code: 'unavailable' })
    await expect.poll(() => holder('lost'), { timeout: 5_000 }).toBeNull()
  }, 20_000)

  it('is known again though it was written with its room and the answer was lost', async () => {
    const { session } = one
    const networks = [{ family: 4 as const, bits: 0n, prefix: 0 }]
    const deaf = new Catalog(new State(keys, { networks, denied: new Set() }), keys)
    const claims = new Claims({ catalog: deaf, session, store, id: 'deaf' })
    let joins = 0
    const join = ({ key, content, lease }: Unwritten): Promise<never> | null => {
      if (joins++ > 0) return null
      const write = store.create(key, JSON.stringify({ ...content, host: 'h1' }), { lease })
      return write.then(() => Promise.reject(new Error('the answer was lost')))
    }
    const claim = (await claims.acquire('joined', 0, { ...hurried, join })) as WakeClaim
    expect(claim.written.modRevision).toBe((await store.get(keys.claim('joined', 0)))?.modRevision)
    claim.release()
    await expect.poll(() => holder('joined')).toBeNull()
  })

  it('does not stay with a fill that hears that the claim changed, by its own try whose answer was lost', async () => {
    await sleeping('own', { phase: 'draining' })
    const networks = [{ family: 4 as const, bits: 0n, prefix: 0 }]
    const deaf = new Catalog(new State(keys, { networks, denied: new Set() }), keys)
    const entry = await store.get(keys.claim('own', 0))
    if (entry) deaf.apply([{ type: 'put', entry }], entry.modRevision)
    let replaced = 0
    const lossy: ClaimStore = {
      get: (key) => store.get(key),
      create: (key, value, options) => store.create(key, value, options),
      remove: (key, options) => store.remove(key, options),
      replace: async (key, value, options) => {
        const revision = await store.replace(key, value, options)
        if (replaced++ === 0) throw new Error('the answer was lost')
        return revision
      },
    }
    const { session } = one
    const claims = new Claims({ catalog: deaf, session, store: lossy, id: 'lossy' })
    expect(await claims.acquire('own', 0, hurried)).toBe('busy')
    await expect.poll(() => holder('own'), { timeout: 5_000 }).toBeNull()
  })

  it('does not come back with an etcd that was restored: nobody has it any more', async () => {
    const held = (await one.claims.acquire('restored', 0, patient)) as WakeClaim
    const key = keys.claim('restored', 0)
    const value = (await store.get(key))?.value ?? ''
    held.release()
    await expect.poll(() => holder('restored')).toBeNull()
    // Its lease lives on, as it was in the backup too.
    await store.put(key, value, { lease: one.session.lease ?? '' })
    expect(await two.claims.acquire('restored', 0, patient)).not.toBe('busy')
    expect((await holder('restored'))?.owner).toMatch(/^two\//)
  })

  it('is judged by what etcd told of it, not by revisions, which a restored etcd counts anew', async () => {
    const networks = [{ family: 4 as const, bits: 0n, prefix: 0 }]
    const told = new Catalog(new State(keys, { networks, denied: new Set() }), keys)
    told.apply([], '1000000000')
    const { session } = one
    const claims = new Claims({ catalog: told, session, store, id: 'told' })
    const held = (await claims.acquire('anew', 0, hurried)) as WakeClaim
    expect(held.valid()).toBe(true)
    const key = keys.claim('anew', 0)
    const entry = await store.get(key)
    if (!entry) throw new Error('its claim is not there')
    told.apply([{ type: 'put', entry }], entry.modRevision)
    expect(held.valid()).toBe(true)
    told.apply([{ type: 'delete', key, seen: false }], '1')
    expect(held.valid()).toBe(false)
    held.release()
  })

  it('is left alone while somebody here has it', async () => {
    const held = (await one.claims.acquire('kept', 0, patient)) as WakeClaim
    const key = keys.claim('kept', 0)
    const { value = '', modRevision } = (await store.get(key)) ?? {}
    // As a promise of its room does.
    const changed = await store.replace(key, value, {
      modRevision: modRevision ?? '',
      lease: held.written.lease,
    })
    expect(changed).not.toBeNull()
    await one.catalog.when(
      'kept',
      () => (one.catalog.revision >= BigInt(changed as string) ? true : null),
      AbortSignal.timeout(5_000),
    )
    expect(await two.claims.acquire('kept', 0, hurried)).toBe('busy')
  })

  it('of somebody else is not withdrawn', async () => {
    const lease = one.session.lease as string
    const other = { owner: 'two/1', action: 'wake', since: new Date().toISOString() }
    await store.put(keys.claim('theirs', 0), JSON.stringify(other), { lease })
    const written = { key: keys.claim('theirs', 0), owner: 'one/1', lease, modRevision: null }
    await withdraw(written, store, one.session)
    expect((await holder('theirs'))?.owner).toBe('two/1')
  })

  it('ends waiting with its signal', async () => {
    await sleeping('ends', { phase: 'stopping' })
    const leaving = new AbortController()
    const waits = one.claims.acquire('ends', 0, { patient: true, signal: leaving.signal })
    leaving.abort(new Error('over'))
    await expect(waits).rejects.toThrow('over')
  })

  it('cannot be had without etcd, and a request is told so long before its hold timeout', async () => {
    await etcd.down()
    await expect(one.claims.acquire('down', 0, patient)).rejects.toMatchObject({
      code: 'unavailable',
      problem: { retryAfter: 5 },
    })
    await etcd.up()
    expect(await one.claims.acquire('down', 0, patient)).toMatchObject({ contested: false })
  })
})
