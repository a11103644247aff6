import { expect, test, vi } from 'vitest'
import { connect, type Store } from '../../adapters/etcd.ts'
import { Informer } from '../../adapters/informer.ts'
import { Session } from '../../adapters/session.ts'
import { type LabEtcd, startEtcd } from '../lab/etcd.ts'
import { labLeftovers } from '../lab/leftovers.ts'
import { startProxy } from '../lab/proxy.ts'
import { labStore } from '../lab/store.ts'

let etcd: LabEtcd
let store: Store

labStore((lab) => void ({ etcd, store } = lab))
const leftovers = labLeftovers()

/** A session that keeps `key` in etcd the way an owner does: put again under each lease, trying until it is there. */
function owner(key: string, ttl: number, through = store) {
  const leases: string[] = []
  const session: Session = new Session(through, ttl, {
    onLease: (lease) => {
      leases.push(lease)
      const put = (): void => {
        if (session.lease !== lease) return
        through.put(key, 'here', { lease }).catch(() => setTimeout(put, 100))
      }
      put()
    },
    log: { info: () => {}, warn: () => {} },
  })
  leftovers.push(() => session.stop())
  return { session, leases, holder: async () => (await store.get(key))?.lease }
}

const sleep = (milliseconds: number) =>
  new Promise<void>((resolve) => setTimeout(resolve, milliseconds))

test('keeps its keys far beyond the TTL, and drops them at once when stopped', async () => {
  const { session, leases, holder } = owner('/s/plain', 6)
  expect(session.valid()).toBe(false)
  await session.start()
  expect(session.valid()).toBe(true)
  for (let i = 0; i < 30; i++) {
    await sleep(500)
    expect(session.valid()).toBe(true)
  }
  expect(await holder()).toBe(leases[0])
  expect(leases).toHaveLength(1)
  await session.stop()
  expect(await holder()).toBeUndefined()
  expect(session.lease).toBeNull()
  expect(session.valid()).toBe(false)
})

test('is not valid after the machine slept, though the steady clock stood still', async () => {
  const { session } = owner('/s/suspend', 60)
  await session.start()
  expect(session.valid()).toBe(true)
  const awake = Date.now()
  const clock = vi.spyOn(Date, 'now')
  try {
    clock.mockReturnValue(awake + 50_000)
    expect(session.valid()).toBe(false)
    clock.mockReturnValue(awake - 50_000)
    expect(session.valid()).toBe(false)
  } finally {
    clock.mockRestore()
  }
  expect(session.valid()).toBe(true)
})

test('takes a new lease and puts its keys again when it was revoked behind its back', async () => {
  const { session, leases, holder } = owner('/s/revoked', 4)
  await session.start()
  await expect.poll(holder).toBe(session.lease)
  await store.revoke(leases[0] ?? '')
  await expect.poll(() => leases.length, { timeout: 5_000 }).toBe(2)
  await expect.poll(holder).toBe(leases[1])
  expect(session.valid()).toBe(true)
})

test('renews on one connection, which watches that end as planned leave open too', async () => {
  const proxy = await startProxy(etcd.url)
  const through = connect({ urls: [proxy.url] })
  const { session } = owner('/s/line', 2, through)
  let lists = 0
  const informer = new Informer(through, ['/s/line'], {
    onChange: () => {},
    onSync: () => lists++,
    relist: 100,
  })
  leftovers.unshift(
    () => informer.stop(),
    () => through.close(),
    () => proxy.stop(),
  )
  await session.start()
  informer.start()
  await expect.poll(() => lists, { timeout: 10_000 }).toBeGreaterThan(20)
  expect(proxy.asked).toBe(1)
})

/** A store behind a line that can be broken, and a lease of it. */
async function lineWithLease() {
  const proxy = await startProxy(etcd.url)
  const through = connect({ urls: [proxy.url] })
  leftovers.push(
    () => through.close(),
    () => proxy.stop(),
  )
  return { proxy, through, lease: await through.grant(60) }
}

test('renews on one stream, and on another one after that broke', async () => {
  const { proxy, through, lease } = await lineWithLease()
  const opened = async (): Promise<number> => {
    const text = await (await fetch(`${etcd.url}/metrics`)).text()
    return Number(/grpc_server_started_total{grpc_method="LeaseKeepAlive".*} (\d+)/.exec(text)?.[1])
  }
  const before = await opened()
  for (let i = 0; i < 10; i++) expect(await through.renew(lease, 1000)).toBe(true)
  expect(await opened()).toBe(before + 1)
  proxy.cut()
  await expect.poll(() => through.renew(lease, 1000).catch(() => null)).toBe(true)
  for (let i = 0; i < 10; i++) expect(await through.renew(lease, 1000)).toBe(true)
  expect(await opened()).toBe(before + 2)
  await store.revoke(lease)
  expect(await through.renew(lease, 1000)).toBe(false)
})

test('renews on another connection once nothing comes over the one it has', async () => {
  const { proxy, through, lease } = await lineWithLease()
  expect(await through.renew(lease, 1000)).toBe(true)
  proxy.forget()
  await expect(through.renew(lease, 200)).rejects.toMatchObject({ code: 'unavailable' })
  await sleep(100)
  expect(await through.renew(lease, 1000)).toBe(true)
})

test('renews nothing after its store was closed', async () => {
  const through = connect({ urls: [etcd.url] })
  const lease = await through.grant(60)
  expect(await through.renew(lease, 1000)).toBe(true)
  through.close()
  await expect(through.renew(lease, 1000)).rejects.toMatchObject({ code: 'closed' })
})

test('asks at once when told to check', async () => {
  const { session, leases, holder } = owner('/s/check', 60)
  await session.start()
  await expect.poll(holder).toBe(leases[0])
  await store.revoke(leases[0] ?? '')
  session.check()
  await expect.poll(() => leases.length).toBe(2)
  await expect.poll(holder).toBe(leases[1])
})

test('is not valid before anybody else could have its keys while etcd is stopped, and is back after', async () => {
  const { session, leases, holder } = owner('/s/down', 4)
  await session.start()
  await expect.poll(holder).toBe(leases[0])
  await etcd.down()
  const stopped = performance.now()
  await sleep(3_200) // four fifths of its time
  expect(session.valid()).toBe(false)
  await sleep(15_000 - (performance.now() - stopped))
  await etcd.up()
  await expect.poll(() => session.valid()).toBe(true)
  await expect.poll(holder).toBe(session.lease)
  await sleep(5_000) // beyond the old lease's end
  expect(await holder()).toBe(session.lease)
}, 60_000)

test('is not valid while etcd is frozen, and is back after', async () => {
  const { session, holder } = owner('/s/frozen', 4)
  await session.start()
  await expect.poll(holder).toBe(session.lease)
  await etcd.pause()
  const frozen = performance.now()
  try {
    await sleep(3_200) // four fifths of its time
    expect(session.valid()).toBe(false)
    await sleep(6_000 - (performance.now() - frozen))
    expect(session.valid()).toBe(false)
  } finally {
    await etcd.resume()
  }
  await expect.poll(() => session.valid()).toBe(true)
  await expect.poll(holder).toBe(session.lease)
}, 60_000)

test('gets its first lease when etcd comes up late', async () => {
  await etcd.down()
  const { session, leases, holder } = owner('/s/late', 4)
  const started = session.start()
  await sleep(1_000)
  expect(leases).toHaveLength(0)
  await etcd.up()
  await started
  await expect.poll(holder).toBe(leases[0])
})

test('stays valid with one of three members silent', async () => {
  const silent = await startProxy(etcd.url)
  const [one, two] = [await startProxy(etcd.url), await startProxy(etcd.url)]
  const through = connect({ urls: [one.url, silent.url, two.url] })
  const { session, leases } = owner('/s/member', 4, through)
  leftovers.unshift(
    () => through.close(),
    () => Promise.all([silent.stop(), one.stop(), two.stop()]),
  )
  await session.start()
  silent.freeze()
  for (let i = 0; i < 40; i++) {
    await sleep(200)
    expect(session.valid()).toBe(true)
  }
  expect(leases).toHaveLength(1)
})

test('stays valid over a line that delays everything', async () => {
  const proxy = await startProxy(etcd.url)
  const through = connect({ urls: [proxy.url] })
  proxy.slow(300)
  const { session, leases, holder } = owner('/s/delayed', 4, through)
  leftovers.unshift(
    () => through.close(),
    () => proxy.stop(),
  )
  await session.start()
  await expect.poll(holder, { timeout: 5_000 }).toBe(session.lease)
  for (let i = 0; i < 30; i++) {
    await sleep(200)
    expect(session.valid()).toBe(true)
  }
  expect(leases).toHaveLength(1)
})

test('comes back with a new lease from an etcd that lost its data', async () => {
  const proxy = await startProxy(etcd.url)
  const through = connect({ urls: [proxy.url] })
  const fresh = await startEtcd()
  const other = connect({ urls: [fresh.url] })
  leftovers.push(
    () => fresh.stop(),
    () => other.close(),
    () => proxy.stop(),
    () => through.close(),
  )
  const { session, leases } = owner('/s/wiped', 4, through)
  await session.start()
  proxy.aim(fresh.url)
  await expect.poll(() => leases.length, { timeout: 5_000 }).toBe(2)
  await expect.poll(async () => (await other.get('/s/wiped'))?.lease).toBe(leases[1])
})

test('stops while etcd is away, without failing', async () => {
  const { session } = owner('/s/stop', 4)
  await session.start()
  await etcd.down()
  await session.stop()
  expect(session.lease).toBeNull()
  await etcd.up()
})
