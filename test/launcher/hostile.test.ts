import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { Machines } from './machines.ts'

/** What one bad entry in etcd may cost others: nothing. */
let machines: Machines
beforeEach(async () => {
  machines = await Machines.open()
})
afterEach(() => machines.close())

const since = '2026-01-01T00:00:00.000Z'
const claim = { owner: 'x', action: 'wake', since, host: 'h1' }

describe('a host goes on being used', () => {
  test.each([
    ['nothing', ''],
    ['no JSON', '['],
    ['70 kB', 'x'.repeat(70_000)],
  ])('with %s as the last promise', async (_, text) => {
    const host = await machines.host({ name: 'h1' })
    await machines.add({ name: 'shop' })
    await machines.store.put(machines.keys.named('room', 'h1'), text)
    const { knows, wake } = await machines.launcher('one')
    await knows('shop')
    await wake('shop')
    expect(host.started).toHaveLength(1)
  })

  test.each([
    { memory: 1e300, cpus: 1 },
    { memory: 1, cpus: 1e300 },
    { memory: 1024 ** 4 + 1, cpus: 1 },
  ])('when a claim promises somebody %j of it', async (amount) => {
    await machines.host({ name: 'h1', memory: 4 * 1024 ** 3 })
    await machines.add({ name: 'shop' })
    await machines.store.put(
      machines.keys.claim('other', 0),
      JSON.stringify({ ...claim, ...amount }),
    )
    const { knows, wake } = await machines.launcher('one')
    await knows('shop')
    await expect(wake('shop')).resolves.toBeDefined()
  })
})

test('a claim that promises less than nothing makes no room', async () => {
  const host = await machines.host({ name: 'h1', memory: 1024 ** 3 })
  for (const name of ['one', 'two']) await machines.add({ name, limits: { memory: '1g' } })
  const less = { ...claim, memory: -(1024 ** 4), cpus: -512 }
  await machines.store.put(machines.keys.claim('other', 0), JSON.stringify(less))
  const { knows, wake } = await machines.launcher('one')
  await knows('one', 'two')
  await wake('one')
  await expect(wake('two')).rejects.toThrow('h1 has no room')
  expect(host.started).toHaveLength(1)
})

test('an engine that answers pings and nothing else delays the first wake, not every one', async () => {
  const [dead, host] = [
    await machines.host({ name: 'h1', memory: 2 ** 40, cpus: 64 }),
    await machines.host({ name: 'h2' }),
  ]
  let go = (): void => {}
  const never = new Promise<void>((resolve) => {
    go = resolve
  })
  for (const call of ['inspect', 'list', 'create', 'start'] as const)
    dead.faults[call] = () => never
  const names = Array.from({ length: 12 }, (_, index) => `app-${index}`)
  for (const name of names) await machines.add({ name, limits: { memory: '64m' } })
  const { knows, wake } = await machines.launcher('one')
  await knows(...names)
  const began = performance.now()
  for (const name of names) await wake(name)
  const took = performance.now() - began
  go()
  expect(host.started).toHaveLength(12)
  expect(dead.started).toHaveLength(0)
  // twelve waits of a second each before
  expect(took).toBeLessThan(9_000)
})
