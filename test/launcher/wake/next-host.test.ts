import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Endpoint } from '../../../model/endpoint.ts'
import { type Machine, refusal } from '../machine.ts'
import { Machines } from '../machines.ts'

let machines: Machines
let one: Awaited<ReturnType<Machines['launcher']>>
let h1: Machine
let h2: Machine

beforeEach(async () => {
  machines = await Machines.open()
  h1 = await machines.host({ name: 'h1' })
  h2 = await machines.host({ name: 'h2' })
  one = await machines.launcher('one')
})
afterEach(() => machines.close())

async function add(more: Omit<Parameters<Machines['add']>[0], 'name'> = {}): Promise<void> {
  await machines.add({ name: 'shop', ...more })
  await one.knows('shop')
}
const hosts = () => [h1, h2].map(({ running }) => running.length)
const claim = () => machines.store.get(machines.keys.claim('shop', 0))

it('the slot is free again after a start that failed while its room was still being promised', async () => {
  await add()
  h1.faults.create = h2.faults.create = () => {
    throw refusal('not-startable', 'no such program', 127)
  }
  await expect(one.wake('shop')).rejects.toMatchObject({ code: 'start-failed' })
  await expect.poll(claim).toBeNull()
})

describe('a wake whose claim is lost before anything was started under it', () => {
  /** Once, while it is looked where to start. */
  function meanwhile(work: () => Promise<unknown>): void {
    let isOver = false
    h1.faults.inspect = h2.faults.inspect = async () => {
      if (isOver) return
      isOver = true
      await expect.poll(claim).not.toBeNull()
      await work()
    }
  }

  it('goes on under a new one', async () => {
    await add()
    meanwhile(() => machines.store.remove(machines.keys.claim('shop', 0)))
    await one.wake('shop')
    expect(h1.running.length + h2.running.length).toBe(1)
    await expect.poll(claim).toBeNull()
  })

  it('is answered by whoever has it now', async () => {
    await add()
    const other = { owner: 'two/1', action: 'wake', since: new Date().toISOString() }
    const lease = await machines.store.grant(60)
    meanwhile(async () => {
      await machines.store.put(machines.keys.claim('shop', 0), JSON.stringify(other), { lease })
      setTimeout(() => void machines.store.put(endpoint, '10.9.0.2:8000'), 300)
    })
    const endpoint = machines.keys.endpoint('shop', 0)
    expect(await one.wake('shop')).toEqual({ host: '10.9.0.2', port: 8000 })
    expect([...h1.started, ...h2.started]).toEqual([])
    expect((await claim())?.value).toContain('two/1')
  })

  it('tries it only once more', async () => {
    await add()
    h1.faults.inspect = async () => {
      await expect.poll(claim).not.toBeNull()
      await machines.store.remove(machines.keys.claim('shop', 0))
    }
    await expect(one.wake('shop')).rejects.toMatchObject({
      code: 'unavailable',
      message: expect.stringContaining('its claim was lost'),
    })
    expect([...h1.started, ...h2.started]).toEqual([])
  })
})

describe('the next host is tried in the same wake', () => {
  it.each([
    ['create', 'unreachable'],
    ['create', 'no-space'],
    ['create', 'name-taken'],
    ['create', 'invalid'],
    ['start', 'port-taken'],
    ['start', 'no-space'],
    ['start', 'not-startable'],
    ['start', 'unreachable'],
    ['start', 'failed'],
  ] as const)('where %s fails with %s', async (call, code) => {
    await add()
    h1.faults[call] = () => {
      throw refusal(code)
    }
    expect(await one.wake('shop')).toMatchObject({ host: h2.record.address })
    expect(hosts()).toEqual([0, 1])
    // Nothing of it stays on the host that failed, to be preferred at some later wake.
    await expect.poll(() => h1.containers.size).toBe(0)
    await expect.poll(claim).toBeNull()
  })

  it.each(['registry', 'no-space', 'denied', 'failed'])(
    'where a pull fails with %s',
    async (code) => {
      await add({ image: 'shop:1' })
      h1.faults.pull = () => {
        throw refusal(code)
      }
      expect(await one.wake('shop')).toMatchObject({ host: h2.record.address })
    },
  )

  it('where its registrar goes while it starts, and what comes of that start later is undone', async () => {
    await add()
    let go = (): void => {}
    const held = new Promise<void>((resolve) => {
      go = resolve
    })
    h1.faults.start = () => held
    const woken = one.wake('shop')
    await expect.poll(async () => (await claim())?.value).toContain('"host":"h1"')
    await machines.lose(h1)
    expect(await woken).toMatchObject({ host: h2.record.address })
    go()
    await expect.poll(() => h1.started.length).toBe(1)
    await expect.poll(() => h1.containers.size).toBe(0)
    expect(hosts()).toEqual([0, 1])
    expect(one.catalog.endpoint('shop', 0)).toMatchObject({ host: h2.record.address })
  })

  /** Woken on h1, whose registrar goes and whose engine stays. Resolves with what ran on h1 as h2 was told to start. */
  async function unregistered(): Promise<{ woken: Promise<Endpoint>; left: Promise<number> }> {
    await add()
    h1.isRegistering = false
    const left = new Promise<number>((resolve) => {
      h2.faults.start = () => resolve(h1.running.length)
    })
    const woken = one.wake('shop')
    await expect.poll(hosts).toEqual([1, 0])
    await machines.lose(h1)
    return { woken, left }
  }

  it('where nobody registers it, and what was started is stopped before', async () => {
    const { woken, left } = await unregistered()
    expect(await woken).toMatchObject({ host: h2.record.address })
    expect(await left).toBe(0)
    await expect.poll(() => h1.containers.size).toBe(0)
  })

  it.each([
    ['ping', 'refuses', () => Promise.reject(refusal('unreachable'))],
    ['ping', 'hangs', () => new Promise<void>(() => {})],
    ['stop', 'refuses', () => Promise.reject(refusal('failed'))],
    ['stop', 'hangs', () => new Promise<void>(() => {})],
  ] as const)('even where it cannot be stopped since its %s %s', async (call, _how, fault) => {
    h1.faults[call] = fault
    const { woken, left } = await unregistered()
    expect(await woken).toMatchObject({ host: h2.record.address })
    expect(await left).toBe(1)
  })

  it('where its engine falls silent while the instance is waited for', async () => {
    await add()
    h1.isRegistering = false
    h1.faults.ping = () => {
      throw refusal('unreachable')
    }
    expect(await one.wake('shop')).toMatchObject({ host: h2.record.address })
  })

  it('which is waited out where there is no other', async () => {
    await add()
    await machines.lose(h2)
    await one.catalog.when(
      '/hosts',
      () => (one.catalog.state.hosts.size === 1 ? true : null),
      AbortSignal.timeout(5_000),
    )
    h1.isRegistering = false
    h1.faults.ping = () => {
      throw refusal('unreachable')
    }
    const woken = one.wake('shop')
    await expect.poll(hosts).toEqual([1, 0])
    await machines.lose(h1)
    await new Promise((resolve) => setTimeout(resolve, 2_500))
    h1.isRegistering = true
    expect(await woken).toMatchObject({ host: h1.record.address })
  })

  it('and the failure says of each what was wrong', async () => {
    await add()
    for (const host of [h1, h2])
      host.faults.start = () => {
        throw refusal('port-taken', `${host.record.name} has it in use`)
      }
    await expect(one.wake('shop')).rejects.toMatchObject({
      code: 'start-failed',
      message:
        'h1 failed: port already in use: h1 has it in use; h2 failed: port already in use: h2 has it in use',
    })
  })
})

describe('no other host is tried', () => {
  it('for a program that is not in the image', async () => {
    await add()
    h1.faults.start = () => {
      throw refusal('not-startable', 'exec: "x": not found', 127)
    }
    await expect(one.wake('shop')).rejects.toMatchObject({ code: 'start-failed' })
    expect(h2.containers.size).toBe(0)
  })

  it('for an image that no registry has, but for one that another host has', async () => {
    await add({ image: 'shop:1' })
    const missing = () => {
      throw refusal('no-image', 'shop:1: manifest unknown')
    }
    for (const host of [h1, h2]) host.faults.pull = missing
    await expect(one.wake('shop')).rejects.toMatchObject({ message: 'shop:1: manifest unknown' })
    expect(h2.containers.size).toBe(0)
  })

  it('for an instance that does not get ready', async () => {
    await add({ startTimeout: 1 })
    h1.isRegistering = false
    await expect(one.wake('shop')).rejects.toMatchObject({ code: 'not-ready' })
    expect(h2.containers.size).toBe(0)
  })
})

it('removes what stopped on other hosts once an instance runs, nothing of others and nothing that runs', async () => {
  await add()
  await one.wake('shop')
  const [first] = h1.running
  if (!first) throw new Error('it runs on the first host')
  await h1.stop(first.id)
  await one.catalog.when(
    'shop',
    () => (one.catalog.endpoint('shop', 0) ? null : true),
    AbortSignal.timeout(5_000),
  )
  const drain = machines.keys.named('drain', 'h1')
  await machines.store.put(drain, JSON.stringify({ since: new Date().toISOString() }))
  await one.catalog.when(
    '/hosts',
    () => (one.catalog.state.drains.size > 0 ? true : null),
    AbortSignal.timeout(5_000),
  )
  expect(await one.wake('shop')).toMatchObject({ host: h2.record.address })
  await expect.poll(() => h1.containers.size).toBe(0)
  expect(hosts()).toEqual([0, 1])
})
