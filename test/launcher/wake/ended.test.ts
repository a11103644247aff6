import { afterEach, beforeEach, expect, it } from 'vitest'
import type { Machine } from '../machine.ts'
import { Machines } from '../machines.ts'

let machines: Machines
let one: Awaited<ReturnType<Machines['launcher']>>
let host: Machine

beforeEach(async () => {
  machines = await Machines.open()
  host = await machines.host({ name: 'h1' })
  one = await machines.launcher('one')
  await machines.add({ name: 'shop' })
  await one.knows('shop')
})
afterEach(() => machines.close())

/** The app runs and is not registered: it is about to end, with this code, when it is looked at next. */
async function isEnding(exitCode: number): Promise<void> {
  await one.wake('shop')
  await machines.store.remove(machines.keys.endpoint('shop', 0))
  await expect.poll(() => one.catalog.endpoint('shop', 0)).toBeNull()
  await expect.poll(() => machines.store.get(machines.keys.claim('shop', 0))).toBeNull()
  const end = (): void => {
    const [container] = host.running
    if (container) Object.assign(container, { state: 'exited', exitCode })
    delete host.faults.inspect
  }
  // The next look still sees it running.
  host.faults.inspect = () => {
    host.faults.inspect = end
  }
}

it('what ends by itself just as it was found running is started, and no failure', async () => {
  await isEnding(0)
  expect(await one.wake('shop')).toMatchObject({ host: host.record.address })
  expect(host.started).toHaveLength(2)
})

it('what crashes as it was found running is told so', async () => {
  await isEnding(3)
  await expect(one.wake('shop')).rejects.toMatchObject({ code: 'start-failed' })
  expect(host.started).toHaveLength(1)
})
