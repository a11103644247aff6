import { readFile } from 'node:fs/promises'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { connect, type Store } from '../../adapters/etcd.ts'
import { Informer } from '../../adapters/informer.ts'
import { Session } from '../../adapters/session.ts'
import { Catalog } from '../../launcher/catalog.ts'
import { Claims, type WakeClaim } from '../../launcher/wake/claim.ts'
import { Keys } from '../../model/key.ts'
import { State } from '../../model/state.ts'
import { etcdctl } from '../faults/etcdctl.ts'
import { leaderOf } from '../faults/member-status.ts'
import { until } from '../faults/until.ts'
import type { LabFleet, LabMember } from '../lab/fleet/fleet.ts'
import { startFleet } from '../lab/fleet/start-fleet.ts'
import { enableUsers } from '../lab/fleet/users.ts'
import { type Proxy, startProxy } from '../lab/proxy.ts'

/** Informer, session and claims over three real members with TLS and users, while the network and the members fail. */
const keys = new Keys()
const silent = { info: () => {}, warn: () => {}, debug: () => {} }
const TTL = 10
let fleet: LabFleet
/** by member: what all clients reach it through */
const lines = new Map<string, Proxy>()
const leftovers: (() => unknown)[] = []

beforeAll(async () => {
  fleet = await startFleet({ hosts: 0, gateways: 0, launchers: 0, secure: true })
  for (const { name, url } of fleet.members) lines.set(name, await startProxy(url))
})
afterEach(async () => {
  for (const end of leftovers.splice(0).reverse()) await end()
  await fleet.heal()
})
afterAll(async () => {
  for (const line of lines.values()) await line.stop()
  await fleet?.stop()
})

const lineTo = (member: string): Proxy => lines.get(member) as Proxy

/** A client of its own, which knows these members first, in this order. */
async function client(first: readonly LabMember[] = []): Promise<Store> {
  const names = [...new Set([...first, ...fleet.members].map(({ name }) => name))]
  return await clientOf(names.map((name) => lineTo(name).url.replace('http:', 'https:')))
}

async function clientOf(urls: string[]): Promise<Store> {
  const { ETCDCTL_CACERT: ca, ETCDCTL_CERT: cert, ETCDCTL_KEY: key, ETCDCTL_USER } = fleet.etcdctl
  const [user = '', password = ''] = (ETCDCTL_USER ?? '').split(':')
  const read = (path = '') => readFile(path)
  const tls = { ca: await read(ca), cert: await read(cert), key: await read(key) }
  const store = connect({ urls, user, password, tls })
  leftovers.push(() => store.close())
  return store
}

/** A mirror of a prefix, which begins at this member. */
async function mirror(prefix: string, at: LabMember) {
  const values = new Map<string, string>()
  const informer = new Informer(await client([at]), [prefix], {
    onChange: (changes) => {
      for (const change of changes)
        if (change.type === 'put') values.set(change.entry.key, change.entry.value)
        else values.delete(change.key)
    },
  })
  leftovers.push(() => informer.stop())
  informer.start()
  await informer.synced
  return { informer, values }
}

async function session(): Promise<{ session: Session; leases: string[] }> {
  const leases: string[] = []
  const made = new Session(await client(), TTL, {
    onLease: (lease) => leases.push(lease),
    log: silent,
  })
  leftovers.push(() => made.stop())
  await made.start()
  return { session: made, leases }
}

/** Writes and removes all the time; what fails is tried again by the next round. */
async function writer(prefix: string): Promise<() => Promise<Map<string, string>>> {
  const store = await client()
  let stopped = false
  const running = (async () => {
    for (let i = 0; !stopped; i++) {
      await store.put(`${prefix}${i % 50}`, String(i)).catch(() => {})
      if (i % 7 === 0) await store.remove(`${prefix}${(i * 3) % 50}`).catch(() => {})
    }
  })()
  return async () => {
    stopped = true
    await running
    const { entries } = await store.list(prefix)
    return new Map(entries.map(({ key, value }) => [key, value]))
  }
}

async function leader(): Promise<LabMember> {
  await until('there is a leader', 20_000, async () => (await leaderOf(fleet)) !== null)
  return (await leaderOf(fleet)) as LabMember
}

const hurt: [string, (member: LabMember) => Promise<() => Promise<unknown>>][] = [
  [
    'is killed',
    async ({ etcd }) => {
      await etcd.kill()
      return () => etcd.start()
    },
  ],
  [
    'is frozen',
    async ({ etcd }) => {
      await etcd.pause()
      return () => etcd.resume()
    },
  ],
  [
    'is cut off from everybody, silently',
    async ({ name }) => {
      await fleet.partition(name)
      return () => fleet.heal(name)
    },
  ],
  [
    'is cut off from its clients, silently',
    async ({ name }) => {
      await fleet.partition(name, 'cl')
      return () => fleet.heal(name)
    },
  ],
  [
    'answers 400 ms late',
    async ({ name }) => {
      lineTo(name).slow(400)
      return async () => lineTo(name).slow(0)
    },
  ],
]

describe.each(hurt)('while the leader %s', (_, hurts) => {
  it('nothing is lost: the mirror follows, the lease holds, a claim has one holder', async () => {
    const member = await leader()
    const prefix = `/services/apps/${Math.random().toString(36).slice(2)}`
    const { values } = await mirror(prefix, member)
    const { session: mine, leases } = await session()
    const stop = await writer(prefix)
    await until('it mirrors', 10_000, () => values.size > 10)
    const heal = await hurts(member)
    const before = new Map(values)
    const race = contest(await Promise.all([claimer('one'), claimer('two'), claimer('three')]))
    await until('it goes on', 20_000, () =>
      [...values].some(([key, value]) => Number(value) > Number(before.get(key) ?? 0)),
    )
    await race
    for (let look = 0; look < TTL * 2; look++) {
      expect(mine.valid()).toBe(true)
      await new Promise((resolve) => setTimeout(resolve, 500))
    }
    await heal()
    const wanted = await stop()
    await expect.poll(() => values, { timeout: 10_000 }).toEqual(wanted)
    expect(leases).toHaveLength(1)
  }, 120_000)
})

/** A launcher's claims, as it makes them. */
async function claimer(id: string): Promise<Claims> {
  const store = await client()
  const policy = { networks: [{ family: 4 as const, bits: 0n, prefix: 0 }], denied: new Set('') }
  const catalog = new Catalog(new State(keys, policy), keys)
  const { session: own } = await session()
  const informer = new Informer(store, [keys.folder('endpoint'), keys.folder('claim')], {
    onChange: (batch, revision) => catalog.apply(batch, revision),
  })
  leftovers.push(() => informer.stop())
  informer.start()
  await informer.synced
  return new Claims({ catalog, store, session: own, id })
}

/** All want the same ten slots, again and again; throws if two of them ever have one at once. */
async function contest(claimers: Claims[]): Promise<void> {
  const holders = new Map<number, WakeClaim>()
  const patient = { patient: true, signal: new AbortController().signal }
  await Promise.all(
    claimers.map(async (claims) => {
      for (let slot = 0; slot < 10; slot++) {
        const claim = await claims.acquire('contested', slot, patient)
        if (typeof claim === 'string') throw new Error(`nothing runs, yet it is ${claim}`)
        if (holders.get(slot)?.valid()) throw new Error(`slot ${slot} has two holders`)
        holders.set(slot, claim)
        await new Promise((resolve) => setTimeout(resolve, 20))
        holders.delete(slot)
        claim.release()
      }
    }),
  )
}

it('each member is reached again within seconds, however long it was cut off', async () => {
  const stores = await Promise.all(fleet.members.map(({ url }) => clientOf([url])))
  const reach = (store: Store) =>
    store.get('/services/none').then(
      () => true,
      () => false,
    )
  expect(await Promise.all(stores.map(reach))).toEqual([true, true, true])
  for (const { name } of fleet.members) await fleet.partition(name, 'cl')
  const cut = performance.now()
  while (performance.now() - cut < 60_000) {
    await Promise.all(stores.map(reach))
    await new Promise((resolve) => setTimeout(resolve, 500))
  }
  await fleet.heal()
  const healed = performance.now()
  for (const store of stores) await until('it is reached', 120_000, () => reach(store))
  expect(performance.now() - healed).toBeLessThan(10_000)
}, 240_000)

it('a mirror that was cut off finds its revision compacted, and lists', async () => {
  const [one] = fleet.members
  const prefix = '/services/apps/compacted-'
  const { informer, values } = await mirror(prefix, one as LabMember)
  const store = await client()
  for (const { name } of fleet.members) await fleet.partition(name, 'cl')
  await until('it knows that it is cut off', 20_000, () => !informer.connected)
  // Past everything it has seen, by a member's own hand.
  const [put, remove] = [`${prefix}kept`, `${prefix}gone`]
  await etcdctl(fleet, 'put', remove, 'x')
  await etcdctl(fleet, 'put', put, 'y')
  await etcdctl(fleet, 'del', remove)
  const status = await etcdctl(fleet, 'get', put, '--write-out=json')
  const { revision } = JSON.parse(status).header
  await compact(revision)
  await fleet.heal()
  await expect.poll(() => values, { timeout: 20_000 }).toEqual(new Map([[put, 'y']]))
  expect((await store.get(put))?.value).toBe('y')
}, 120_000)

/** Only root may. */
function compact(revision: number): Promise<string> {
  const [, password] = (fleet.etcdctl['ETCDCTL_USER'] ?? '').split(':')
  const root = { ...fleet.etcdctl, ETCDCTL_USER: `root:${password}` }
  const { members } = fleet
  return etcdctl({ members, etcdctl: root }, 'compact', String(revision), '--physical')
}

it('all come back to a cluster that lost its data: the revision goes back, leases are new', async () => {
  const prefix = '/services/apps/restored-'
  const { informer, values } = await mirror(prefix, fleet.members[0] as LabMember)
  const { session: mine, leases } = await session()
  const store = await client()
  // So far that the new cluster's log does not get there meanwhile: old tokens wait for that.
  for (let i = 0; i < 500; i++) await store.put(`${prefix}${i % 50}`, 'old')
  await until('it mirrors', 10_000, () => values.size === 50)
  const before = BigInt(informer.revision)
  await Promise.all(fleet.members.map(({ etcd }) => etcd.kill()))
  await Promise.all(fleet.members.map((member) => member.wipe()))
  await Promise.all(fleet.members.map(({ etcd }) => etcd.start()))
  await enableUsers(fleet.etcdctl)
  await until('it has a new lease', 20_000, () => leases.length === 2 && mine.valid())
  await until('it takes a write', 20_000, async () => (await store.put(`${prefix}new`, 'x')) !== '')
  await expect.poll(() => values, { timeout: 20_000 }).toEqual(new Map([[`${prefix}new`, 'x']]))
  expect(BigInt(informer.revision)).toBeLessThan(before)
}, 120_000)
