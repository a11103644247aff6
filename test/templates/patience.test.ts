import { afterAll, beforeAll, expect, it } from 'vitest'
import { freePort } from '../lab/port.ts'
import { ask } from '../system/client.ts'
import { type Backend, type Seen, startBackend } from './backend.ts'
import { type LabGateway, startGateway } from './gateway.ts'

let gateway: LabGateway
let left: Backend
let right: Backend
let late: Backend | undefined
let latePort: number

beforeAll(async () => {
  ;[left, right, latePort] = await Promise.all([
    startBackend('left'),
    startBackend('right'),
    freePort(),
  ])
  gateway = await startGateway({
    apps: [
      { name: 'once', endpoints: [left.address, right.address], failTimeout: 300 },
      { name: 'thrice', endpoints: [left.address, right.address], maxFails: 3, failTimeout: 300 },
      { name: 'never', endpoints: [left.address, right.address], maxFails: 0 },
      { name: 'late', endpoints: [`127.0.0.1:${latePort}`, right.address], failTimeout: 1 },
    ],
  })
})
afterAll(async () => {
  await gateway.stop()
  await Promise.all([left.stop(), right.stop()])
  await late?.stop()
})

const answering = async (app: string, count: number) => {
  const names: string[] = []
  for (let i = 0; i < count; i++)
    names.push((JSON.parse((await ask(gateway.origin, `/${app}/x`)).text) as Seen).app)
  return names
}
/** Breaks off a request that nobody may repeat. Returns who had it. */
async function drop(app: string): Promise<Backend> {
  const before = left.count
  const { status } = await ask(gateway.origin, `/${app}/drop`, { method: 'POST', body: 'x' })
  expect(status).toBe(502)
  return left.count > before ? left : right
}

it('one that broke off a request is left out, though the request was not sent on', async () => {
  const broken = await drop('once')
  const other = broken === left ? 'right' : 'left'
  expect(new Set(await answering('once', 12))).toEqual(new Set([other]))
})

it('one that may fail more often is left out when it has', async () => {
  const drops = new Map<Backend, number>()
  while (Math.max(0, ...drops.values()) < 3) {
    const broken = await drop('thrice')
    drops.set(broken, (drops.get(broken) ?? 0) + 1)
    if ((drops.get(broken) ?? 0) < 3) continue
    const other = broken === left ? 'right' : 'left'
    expect(new Set(await answering('thrice', 12))).toEqual(new Set([other]))
  }
})

it('one that may fail for ever is never left out', async () => {
  for (let i = 0; i < 4; i++) await drop('never')
  expect(new Set(await answering('never', 12))).toEqual(new Set(['left', 'right']))
})

it('one that was gone is asked again after a while, at no cost, and is back when it answers', async () => {
  expect(new Set(await answering('late', 12))).toEqual(new Set(['right']))
  late = await startBackend('late', latePort)
  await expect
    .poll(async () => new Set(await answering('late', 4)), { timeout: 15_000, interval: 200 })
    .toEqual(new Set(['late', 'right']))
  await expect
    .poll(async () => (await answering('late', 12)).filter((app) => app === 'late').length)
    .toBeGreaterThan(3)
})
