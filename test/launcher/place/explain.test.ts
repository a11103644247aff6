import { afterAll, beforeAll, expect, it } from 'vitest'
import { refusal } from '../machine.ts'
import { Machines } from '../machines.ts'

let machines: Machines
beforeAll(async () => {
  machines = await Machines.open()
})
afterAll(() => machines.close())

it('says before a wake, and starting nothing, what the wake then fails with', async () => {
  const [here, small] = [
    await machines.host({ name: 'h1', labels: { zone: 'a' } }),
    await machines.host({ name: 'h2', labels: { zone: 'b' }, memory: 2 ** 20 }),
    await machines.host({ name: 'h3', labels: { zone: 'b' } }),
  ]
  const silent = await machines.host({ name: 'h4', labels: { zone: 'b' } })
  silent.faults.inspect = () => {
    throw refusal('unreachable', 'it answers no pings')
  }
  const app = await machines.add({ name: 'shop', constraints: ['zone==b'] })
  const drain = machines.keys.named('drain', 'h3')
  await machines.store.put(drain, JSON.stringify({ since: new Date().toISOString() }))
  const one = await machines.launcher('one')
  await one.knows('shop')
  const verdicts = await one.control.judge(app, 0)
  const words = verdicts.map(({ host, refusal: why }) => `${host.name} ${why}`)
  expect(words).toEqual([
    'h1 does not meet zone==b',
    'h2 has too little memory',
    'h3 is being drained',
    'h4 has an engine that fails: it answers no pings',
  ])
  for (const { containers } of [here, small, silent]) expect(containers.size).toBe(0)
  await expect(one.wake('shop')).rejects.toMatchObject({ message: words.join('; ') })
})
