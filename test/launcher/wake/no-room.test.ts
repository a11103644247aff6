import { afterEach, beforeEach, expect, it } from 'vitest'
import type { Machine } from '../machine.ts'
import { Machines } from '../machines.ts'

// One host, where there is room for one of two apps.

let machines: Machines
let host: Machine
let launcher: Awaited<ReturnType<Machines['launcher']>>

beforeEach(async () => {
  machines = await Machines.open()
  host = await machines.host({ name: 'h1', memory: 256 * 1024 ** 2 })
  launcher = await machines.launcher('one')
  for (const name of ['shop', 'blog']) await machines.add({ name, limits: { memory: '200m' } })
  await launcher.knows('shop', 'blog')
  await launcher.wake('blog')
  await expect.poll(claimOf('blog')).toBeNull()
})
afterEach(() => machines.close())

const claimOf = (app: string) => () => machines.store.get(machines.keys.claim(app, 0))
const refused = { code: 'unavailable', message: expect.stringContaining('has no room') }

/** Whoever asks after it is refused for the second time. */
const refuse = () => expect(launcher.wake('shop')).rejects.toMatchObject(refused)

it('who asks again for an app that no host has room for is refused in the same words, and etcd is not written to', async () => {
  await refuse()
  await expect.poll(claimOf('shop')).toBeNull()
  const { revision } = await machines.store.list(machines.keys.prefix)
  for (let i = 0; i < 20; i += 1) await expect(launcher.wake('shop')).rejects.toMatchObject(refused)
  expect((await machines.store.list(machines.keys.prefix)).revision).toBe(revision)
})

it('it is woken as soon as there is room', async () => {
  await refuse()
  await refuse()
  const [blog] = host.running
  await host.stop(blog?.id ?? '')
  await expect.poll(() => launcher.catalog.endpoint('blog', 0)).toBeNull()
  expect(await launcher.wake('shop')).toMatchObject({ host: host.record.address })
})

it('whoever starts it meanwhile is waited for', async () => {
  await refuse()
  const claim = { owner: 'two/1', action: 'wake', since: new Date().toISOString() }
  const lease = await machines.store.grant(60)
  await machines.store.put(machines.keys.claim('shop', 0), JSON.stringify(claim), { lease })
  await expect.poll(() => launcher.catalog.claim('shop', 0)).not.toBeNull()
  const woken = launcher.wake('shop')
  await machines.store.put(machines.keys.endpoint('shop', 0), '10.9.0.7:8000')
  expect(await woken).toEqual({ host: '10.9.0.7', port: 8000 })
})
