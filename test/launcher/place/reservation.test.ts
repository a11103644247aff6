import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { Catalog } from '../../../launcher/catalog.ts'
import { Reservations, type RoomStore } from '../../../launcher/place/reservation.ts'
import { Room } from '../../../launcher/place/room.ts'
import type { ProblemError } from '../../../model/problem.ts'
import { State } from '../../../model/state.ts'
import { Machines } from '../machines.ts'

const GIB = 2 ** 30

let machines: Machines
beforeEach(async () => {
  machines = await Machines.open()
})
afterEach(() => machines.close())

async function apps(count: number): Promise<string[]> {
  const names = Array.from({ length: count }, (_, i) => `app-${i}`)
  await Promise.all(names.map((name) => machines.add({ name, limits: { memory: '1g' } })))
  return names
}

it('lets two launchers that place 50 at once start no more than a host has room for', async () => {
  const host = await machines.host({ name: 'h1', memory: 10 * GIB })
  const names = await apps(50)
  const launchers = [await machines.launcher('one'), await machines.launcher('two')]
  await Promise.all(launchers.map(({ knows }) => knows(...names)))
  const wakes = names.map((name, i) => launchers[i % 2]?.wake(name))
  const outcomes = await Promise.allSettled(wakes)
  expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(10)
  expect(host.started).toHaveLength(10)
  const reasons = outcomes.flatMap((outcome) =>
    outcome.status === 'rejected' ? [(outcome.reason as ProblemError).message] : [],
  )
  for (const reason of reasons) expect(reason).toMatch(/^h1 has no room: \d+ MiB of 10240 MiB/)
  // What was made for nothing is gone, and so are all claims; what they promised ends with them.
  await expect.poll(() => host.containers.size).toBe(10)
  const claims = async () => (await machines.store.list(machines.keys.folder('claim'))).entries
  await expect.poll(claims).toEqual([])
})

it('fills all hosts to the brim, whoever places, and none beyond', async () => {
  const hosts = await Promise.all(
    ['h1', 'h2', 'h3'].map((name) => machines.host({ name, memory: 5 * GIB })),
  )
  const names = await apps(30)
  const launchers = [await machines.launcher('one'), await machines.launcher('two')]
  await Promise.all(launchers.map(({ knows }) => knows(...names)))
  const wakes = names.map((name, i) => launchers[i % 2]?.wake(name))
  const outcomes = await Promise.allSettled(wakes)
  expect(hosts.map(({ started }) => started.length)).toEqual([5, 5, 5])
  expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(15)
})

it('spreads 51 wakes at once evenly over three hosts', async () => {
  const hosts = await Promise.all(['h1', 'h2', 'h3'].map((name) => machines.host({ name })))
  const names = Array.from({ length: 51 }, (_, i) => `small-${i}`)
  await Promise.all(names.map((name) => machines.add({ name, limits: { memory: '64m' } })))
  const one = await machines.launcher('one')
  await one.knows(...names)
  await Promise.all(names.map((name) => one.wake(name)))
  expect(hosts.map(({ started }) => started.length)).toEqual([17, 17, 17])
  for (const { busiest } of hosts) expect(busiest).toBeLessThanOrEqual(2)
})

it('starts no more at once on a host than it has CPUs, however many launchers do', async () => {
  const host = await machines.host({ name: 'h1' })
  host.startTime = 50
  const names = Array.from({ length: 20 }, (_, i) => `small-${i}`)
  await Promise.all(names.map((name) => machines.add({ name, limits: { memory: '64m' } })))
  const launchers = [await machines.launcher('one'), await machines.launcher('two')]
  const { store, keys } = machines
  for (const id of ['one', 'two']) await store.put(keys.named('launcher', id), '10.9.1.1:8090')
  for (const { catalog, knows } of launchers) {
    await knows(...names)
    await expect.poll(() => catalog.state.launchers.size).toBe(2)
  }
  await Promise.all(names.map((name, i) => launchers[i % 2]?.wake(name)))
  expect(host.started).toHaveLength(20)
  expect(host.busiest).toBeLessThanOrEqual(2)
})

it('makes the promises of a crowd in a few transactions, not one for each', async () => {
  for (const name of ['h1', 'h2', 'h3']) await machines.host({ name })
  const names = Array.from({ length: 51 }, (_, i) => `small-${i}`)
  await Promise.all(names.map((name) => machines.add({ name, limits: { memory: '64m' } })))
  const launchers = [await machines.launcher('one'), await machines.launcher('two')]
  await Promise.all(launchers.map(({ knows }) => knows(...names)))
  const putAll = vi.spyOn(machines.store, 'putAll')
  await Promise.all(names.map((name, i) => launchers[i % 2]?.wake(name)))
  expect(putAll.mock.calls.length).toBeLessThan(names.length)
})

it('asks the engines for one list of their containers now and then, not for one at each wake', async () => {
  const lists: string[] = []
  for (const name of ['h1', 'h2', 'h3']) {
    const host = await machines.host({ name })
    host.faults.list = async () => {
      lists.push(name)
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
  }
  const names = Array.from({ length: 51 }, (_, i) => `small-${i}`)
  await Promise.all(names.map((name) => machines.add({ name, limits: { memory: '64m' } })))
  const one = await machines.launcher('one')
  await one.knows(...names)
  await Promise.all(names.map((name) => one.wake(name)))
  expect(lists.length).toBeLessThan(names.length)
})

it('has promised the room before it starts anything', async () => {
  const host = await machines.host({ name: 'h1' })
  const app = await machines.add({ name: 'shop', limits: { memory: '1g', cpus: 0.5 } })
  const one = await machines.launcher('one')
  await one.knows('shop')
  let claim: unknown
  host.faults.start = async () => {
    claim = JSON.parse((await machines.store.get(machines.keys.claim(app.name, 0)))?.value ?? '')
  }
  await one.wake('shop')
  expect(claim).toMatchObject({ action: 'wake', host: 'h1', memory: GIB, cpus: 0.5 })
})

it('keeps the instances of an app apart by force where two launchers place them at once', async () => {
  const hosts = await Promise.all(['h1', 'h2'].map((name) => machines.host({ name })))
  const input = { name: 'twin', replicas: 4, antiAffinity: 'require' as const }
  await machines.add({ ...input, min: 4 })
  const launchers = [await machines.launcher('one'), await machines.launcher('two')]
  await Promise.all(launchers.map(({ knows }) => knows('twin')))
  await Promise.allSettled(launchers.map(({ wake }) => wake('twin')))
  for (const { start } of launchers) start()
  const slots = () => launchers[0]?.catalog.state.slots('twin').size
  await expect.poll(slots, { timeout: 10_000 }).toBe(2)
  expect(hosts.map(({ running }) => running.length)).toEqual([1, 1])
})

/** The slot of an app, its host, and the promises of a launcher that hears nothing from etcd. */
async function deaf(store: RoomStore) {
  const { keys } = machines
  const networks = [{ family: 4 as const, bits: 0n, prefix: 0 }]
  const catalog = new Catalog(new State(keys, { networks, denied: new Set() }), keys)
  const limits = { overcommit: 1, cpuOvercommit: 1, instancesPerHost: 1 }
  const room = new Room(catalog, limits)
  const app = await machines.add({ name: 'shop' })
  const { record: host } = await machines.host({ name: 'h1' })
  const content = { owner: 'one/1', action: 'wake' as const, since: new Date().toISOString() }
  const key = keys.claim('shop', 0)
  const lease = await machines.store.grant(60)
  const place = { app, slot: 0, host }
  const reservations = new Reservations({ catalog, store, room })
  const claimed = () => machines.store.get(key)
  return { ...{ catalog, room, reservations, place, claimed }, unwritten: { key, content, lease } }
}

/** A promise under a claim that was written alone. */
async function promise(store: RoomStore) {
  const { reservations, room, place, unwritten, claimed } = await deaf(store)
  const { key, content, lease } = unwritten
  const { revision } = await machines.store.create(key, JSON.stringify(content), { lease })
  const written = { key, owner: content.owner, lease, modRevision: revision }
  const { signal } = new AbortController()
  const seat = room.take(place.app, place.slot, place.host)
  const claim = { content, written, valid: () => true }
  const made = reservations.make({ ...place, seat, claim, signal })
  return { made, written, claimed }
}

/** A claim that was written with its room; `make` promises it before the start. */
async function joined() {
  const { reservations, place, unwritten, catalog, claimed } = await deaf(machines.store)
  const { key, content, lease } = unwritten
  const revision = (await machines.store.list(key)).revision
  catalog.apply([], revision)
  const outcome = await reservations.join(place, unwritten)
  if (!outcome?.modRevision) throw new Error('nobody else has it')
  const { seat, modRevision } = outcome
  const claim = {
    content,
    written: { key, owner: content.owner, lease, modRevision },
    valid: () => true,
  }
  const { signal } = new AbortController()
  const make = () => reservations.make({ ...place, seat, claim, signal })
  return { catalog, key, make, claimed }
}

/** A store that loses its first answer, after which something happens. */
function lossy(after: () => Promise<unknown> = async () => null) {
  let asked = 0
  const putAll: RoomStore['putAll'] = async (...given) => {
    const outcome = await machines.store.putAll(...given)
    if (asked++ > 0) return outcome
    await after()
    throw new Error('the answer was lost')
  }
  return { putAll, asked: () => asked }
}

const runs = () => machines.store.put(machines.keys.endpoint('shop', 0), '10.9.0.7:8000')

it('promises nothing to what runs by the word of etcd, though this launcher has not heard of it', async () => {
  await runs()
  const { made, claimed } = await promise(machines.store)
  await expect(made).rejects.toThrow('an instance runs already')
  expect((await claimed())?.value).not.toContain('"host"')
})

it('knows a promise again whose answer was lost', async () => {
  const store = lossy()
  const { made, written, claimed } = await promise(store)
  expect(await made).toBeNull()
  expect(store.asked()).toBe(2)
  const entry = await claimed()
  expect(entry?.value).toContain('"host":"h1"')
  expect(written.modRevision).toBe(entry?.modRevision)
})

it('lets nothing be started by a promise whose answer was lost once the slot runs by the word of etcd', async () => {
  const { made, written, claimed } = await promise(lossy(runs))
  await expect(made).rejects.toThrow('an instance runs already')
  expect(written.modRevision).toBe((await claimed())?.modRevision)
})

it('nor by a claim that was written with its room and whose answer was lost', async () => {
  const { reservations, place, unwritten, claimed } = await deaf(lossy(runs))
  await expect(reservations.join(place, unwritten)).rejects.toThrow('the answer was lost')
  expect(await reservations.join(place, unwritten)).toEqual({
    modRevision: null,
    holder: await claimed(),
  })
})

it('asks etcd whether a claim stands that nothing was heard of for a while', async () => {
  const { make, key } = await joined()
  await machines.store.remove(key)
  await new Promise((resolve) => setTimeout(resolve, 1_100))
  await expect(make()).rejects.toThrow('its claim was lost')
})

it('asks etcd whether a claim stands once that counts from less again: it was restored', async () => {
  const { make, key, catalog } = await joined()
  await machines.store.remove(key)
  catalog.apply([], '1')
  await expect(make()).rejects.toThrow('its claim was lost')
})

it('takes a claim as it is for one start alone', async () => {
  const { make, key } = await joined()
  expect(await make()).toBeNull()
  await machines.store.remove(key)
  await expect(make()).rejects.toThrow('its claim was lost')
})
