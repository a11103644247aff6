import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { Claim } from '../../../model/record.ts'
import { type Machine, refusal } from '../machine.ts'
import { Machines } from '../machines.ts'

const GIB = 2 ** 30

let machines: Machines
let one: Awaited<ReturnType<Machines['launcher']>>
let h1: Machine
beforeEach(async () => {
  machines = await Machines.open()
  h1 = await machines.host({ name: 'h1', memory: 2 * GIB })
  one = await machines.launcher('one')
  for (const name of ['shop', 'other', 'third'])
    await machines.add({ name, limits: { memory: '1g' } })
  await one.knows('shop', 'other', 'third')
})
afterEach(() => machines.close())

const claimOf = (name: string) => machines.store.get(machines.keys.claim(name, 0))
const said = async () => Claim.parse(JSON.parse((await claimOf('shop'))?.value ?? ''))
const roomOf = (host: string) => machines.store.get(machines.keys.named('room', host))
const claims = async () => (await machines.store.list(machines.keys.folder('claim'))).entries

/** The host has as much room as if the app had never been asked for. */
async function hasRoomForTwo(): Promise<void> {
  await expect.poll(claims).toEqual([])
  await one.wake('other')
  await one.wake('third')
}

/** Once, right before the transaction gets to etcd, and after. */
function aroundJoin(before: () => Promise<unknown>, after = async (): Promise<unknown> => null) {
  const putAll = machines.store.putAll.bind(machines.store)
  return vi.spyOn(machines.store, 'putAll').mockImplementationOnce(async (...given) => {
    await before()
    const outcome = await putAll(...given)
    await after()
    return outcome
  })
}

/** Once, while it is looked what is there of it, after the claim was written. */
function whileLooking(work: () => Promise<unknown>): void {
  let isOver = false
  h1.faults.inspect = async () => {
    if (isOver) return
    isOver = true
    await expect.poll(() => claimOf('shop')).not.toBeNull()
    await work()
  }
}

it('claims a slot and its room in one transaction where it is known where the slot goes', async () => {
  const putAll = vi.spyOn(machines.store, 'putAll')
  const create = vi.spyOn(machines.store, 'create')
  let atStart: unknown
  h1.faults.start = async () => {
    atStart = await said()
  }
  await one.wake('shop')
  expect(putAll).toHaveBeenCalledTimes(1)
  expect(create.mock.calls.filter(([key]) => key.includes('/claims/'))).toEqual([])
  expect(atStart).toMatchObject({ action: 'wake', host: 'h1', memory: GIB })
  await expect.poll(claims).toEqual([])
})

it('has the claim and its room vanish with the lease of a launcher that dies then', async () => {
  let left: unknown
  whileLooking(async () => {
    const entry = await claimOf('shop')
    expect(entry).toMatchObject({ lease: one.session.lease })
    expect(entry?.value).toContain('"host":"h1"')
    await machines.store.revoke(one.session.lease ?? '')
    left = await claims()
  })
  await one.wake('shop').catch(() => {})
  expect(left).toEqual([])
})

it('claims alone where somebody else has promised room there in the same moment', async () => {
  const key = machines.keys.named('room', 'h1')
  aroundJoin(() => machines.store.put(key, 'two/1'))
  await one.wake('shop')
  expect(h1.started).toHaveLength(1)
  await expect.poll(claims).toEqual([])
})

it('promises nothing where somebody else was faster with the claim, and starts nothing before that is over', async () => {
  const other = { owner: 'two/1', action: 'wake', since: new Date().toISOString() }
  const key = machines.keys.claim('shop', 0)
  const lease = await machines.store.grant(60)
  aroundJoin(() => machines.store.put(key, JSON.stringify(other), { lease }))
  const waits = one.wake('shop')
  await expect.poll(async () => (await claimOf('shop'))?.value).toContain('two/1')
  await one.wake('other')
  expect(h1.started).toHaveLength(1)
  expect((await said()).host).toBeUndefined()
  await machines.store.revoke(lease)
  await waits
  expect(h1.started).toHaveLength(2)
})

it('starts nothing once more that runs by the word of etcd', async () => {
  const key = machines.keys.endpoint('shop', 0)
  const putAll = aroundJoin(() => machines.store.put(key, '10.9.0.77:8000'))
  expect(await one.wake('shop')).toMatchObject({ host: '10.9.0.77' })
  expect(await putAll.mock.results[0]?.value).toMatchObject({ revision: null })
  expect(h1.started).toEqual([])
  await hasRoomForTwo()
})

it('leaves no claim where the answer was lost, and starts it once', async () => {
  aroundJoin(
    async () => {},
    () => Promise.reject(new Error('the answer was lost')),
  )
  await one.wake('shop')
  expect(h1.started).toHaveLength(1)
  await expect.poll(claims).toEqual([])
  // What was counted for it is not counted twice.
  await one.wake('other')
  expect(h1.started).toHaveLength(2)
})

it('writes no promise where there is no room, and counts nothing after', async () => {
  await one.wake('shop')
  await one.wake('other')
  const before = (await roomOf('h1'))?.modRevision
  await expect(one.wake('third')).rejects.toThrow('h1 has no room')
  expect((await roomOf('h1'))?.modRevision).toBe(before)
  await expect.poll(claims).toEqual([])
  const [first] = h1.started
  await h1.stop(first ?? '')
  await expect.poll(() => one.catalog.state.slots('shop').size).toBe(0)
  await one.wake('third')
})

it('counts nothing any more of a wake that was over before it had begun anything', async () => {
  whileLooking(async () => {
    await machines.store.put(machines.keys.endpoint('shop', 0), '10.9.0.77:8000')
    await expect.poll(() => one.catalog.endpoint('shop', 0)).not.toBeNull()
  })
  expect(await one.wake('shop')).toMatchObject({ host: '10.9.0.77' })
  await hasRoomForTwo()
})

it('counts what was found running once, and no longer than it runs', async () => {
  await one.wake('shop')
  const [id = ''] = h1.started
  const key = machines.keys.endpoint('shop', 0)
  const value = (await machines.store.get(key))?.value ?? ''
  await expect.poll(claims).toEqual([])
  await machines.store.remove(key)
  await expect.poll(() => one.catalog.endpoint('shop', 0)).toBeNull()
  whileLooking(() => machines.store.put(key, value))
  await one.wake('shop')
  expect(h1.started).toEqual([id])
  await h1.stop(id)
  await expect.poll(() => one.catalog.endpoint('shop', 0)).toBeNull()
  await hasRoomForTwo()
})

it('starts nothing under a claim that was heard to be gone before its room was used', async () => {
  whileLooking(async () => {
    await machines.store.remove(machines.keys.claim('shop', 0))
    await expect.poll(() => one.catalog.claim('shop', 0)).toBeNull()
  })
  let atStart: unknown
  h1.faults.start = async () => {
    atStart = await said()
  }
  await one.wake('shop')
  expect(h1.started).toHaveLength(1)
  expect(atStart).toMatchObject({ host: 'h1' })
})

it('starts nothing under a claim that was heard to be gone while the container was made', async () => {
  h1.faults.create = async () => {
    delete h1.faults.create
    await machines.store.remove(machines.keys.claim('shop', 0))
    await expect.poll(() => one.catalog.claim('shop', 0)).toBeNull()
  }
  let atStart: unknown
  h1.faults.start = async () => {
    atStart = (await claimOf('shop'))?.value
  }
  await one.wake('shop')
  expect(h1.started).toHaveLength(1)
  expect(atStart).toContain('"host":"h1"')
  await expect.poll(claims).toEqual([])
})

it('promises room elsewhere where the instance is not where it was', async () => {
  const h2 = await machines.host({ name: 'h2', images: [] })
  await one.knows()
  await one.wake('shop')
  const [id = ''] = h1.started
  await h1.stop(id)
  await expect.poll(() => one.catalog.state.slots('shop').size).toBe(0)
  await expect.poll(claims).toEqual([])
  const container = h1.containers.get(id)
  h1.containers.delete(id)
  if (container) h2.containers.set(id, container)
  let atStart: unknown
  h2.faults.start = async () => {
    atStart = await said()
  }
  await one.wake('shop')
  expect(h2.started).toEqual([id])
  expect(atStart).toMatchObject({ host: 'h2' })
  // Nothing is left of what was promised on the first host.
  await one.wake('other')
  expect(h1.started).toHaveLength(2)
})

it('counts nothing any more of a start that failed and turned out to have been made', async () => {
  h1.isRegistering = false
  h1.faults.start = async (id) => {
    delete h1.faults.start
    await h1.start(id)
    throw refusal('conflict')
  }
  // It is asked for one only while the instance is waited for that the next look has found.
  h1.faults.ping = () => {
    h1.isRegistering = true
  }
  await one.wake('shop')
  const [id = ''] = h1.started
  expect(h1.started).toHaveLength(1)
  await expect.poll(claims).toEqual([])
  await h1.stop(id)
  await expect.poll(() => one.catalog.endpoint('shop', 0)).toBeNull()
  await hasRoomForTwo()
})
