import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { ask } from '../system/client.ts'
import { type Backend, startBackend } from '../templates/backend.ts'
import { type LabController, startControllerLab } from './gateway.ts'

const APPS = Array.from({ length: 20 }, (_, index) => `app-${index}`)
const soon = <T>(look: () => T) => expect.poll(look, { timeout: 20_000, interval: 50 })

let lab: LabController
/** an address of its own for each: one that is registered again belongs to its new owner */
const backends = new Map<string, Backend>()

beforeAll(async () => {
  lab = await startControllerLab()
  for (const app of [...APPS, 'db']) backends.set(app, await startBackend(app))
})
afterAll(async () => {
  await lab.stop()
  for (const backend of backends.values()) await backend.stop()
})

const statusOf = async (app: string) => (await ask(lab.origin, `/${app}/`)).status
const statuses = async (apps: string[]) => [...new Set(await Promise.all(apps.map(statusOf)))]
const register = async (apps: string[]) => {
  for (const app of apps) await lab.put(app, backends.get(app)?.address ?? '')
}
const reloads = () => lab.lines.filter(({ msg }) => msg === 'configuration live').length

/** etcd comes back without its data, as after the loss of all its disks. */
async function loseData(): Promise<void> {
  await lab.etcd.kill()
  await lab.etcd.wipe()
  await lab.etcd.up()
}

/** Asks for all of these until `over` holds; gives back every status seen. */
async function during(apps: string[], over: () => boolean | Promise<boolean>): Promise<number[]> {
  const seen = new Set<number>()
  do {
    for (const status of await statuses(apps)) seen.add(status)
    await new Promise((resolve) => setTimeout(resolve, 20))
  } while (!(await over()))
  return [...seen]
}

describe('an etcd that lost its data, twenty apps running', () => {
  beforeEach(async () => {
    await register(APPS)
    await soon(() => statuses(APPS)).toEqual([200])
    await soon(async () => (await lab.record())?.endpoints).toBe(APPS.length)
  })

  it('costs no route until registrars have had their time, and they cost no reload', async () => {
    await loseData()
    const told = () => lab.lines.some(({ msg }) => msg.startsWith('etcd lost its data'))
    expect(await during(APPS, told)).toEqual([200])
    const before = reloads()
    await register(APPS)
    const revision = BigInt((await lab.store.get('/services/clusters/app-19'))?.modRevision ?? 0)
    await soon(async () => BigInt((await lab.record())?.applied ?? 0)).toBeGreaterThanOrEqual(
      revision,
    )
    expect(await statuses(APPS)).toEqual([200])
    expect(reloads()).toBe(before)
  })

  it('costs none where the controller is restarted while it is empty', async () => {
    await lab.stopController()
    await loseData()
    await lab.startController()
    await soon(async () => (await lab.record())?.endpoints).toBe(APPS.length)
    expect((await lab.record())?.applied).toBe('0')
    // and once more
    await lab.stopController()
    await lab.startController()
    const applied = async () => (await lab.record())?.applied === '0'
    expect(await during(APPS, applied)).toEqual([200])
    await register(APPS)
    await soon(async () => (await lab.record())?.applied).not.toBe('0')
    expect(await statuses(APPS)).toEqual([200])
  })

  it('is believed after the time of a lease, and a delete that is seen at once', async () => {
    const log = lab.lines.length
    await loseData()
    await soon(() =>
      lab.lines.slice(log).some(({ msg }) => msg.startsWith('etcd lost its data')),
    ).toBe(true)
    await register(APPS.slice(0, 2))
    await lab.store.remove('/services/clusters/app-1')
    await soon(() => statusOf('app-1')).toBe(503)
    expect(await statuses(APPS.slice(2))).toEqual([200])
    await soon(() => statuses(APPS.slice(1))).toEqual([503])
    expect(await statusOf('app-0')).toBe(200)
  })
})

describe('the last app', () => {
  it('keeps its route in an etcd that lost its data, also over a restart', async () => {
    for (const app of APPS.slice(1)) await lab.store.remove(`/services/clusters/${app}`)
    await register(APPS.slice(0, 1))
    await soon(async () => (await lab.record())?.endpoints).toBe(1)
    await soon(() => statusOf('app-0')).toBe(200)
    await lab.stopController()
    await loseData()
    await lab.startController()
    await soon(async () => (await lab.record())?.applied).toBe('0')
    expect(await statusOf('app-0')).toBe(200)
    await register(APPS.slice(0, 1))
    await soon(async () => (await lab.record())?.applied).not.toBe('0')
    expect(await statusOf('app-0')).toBe(200)
  })

  it('loses it when it is deleted, within three seconds', async () => {
    const began = performance.now()
    await lab.store.remove('/services/clusters/app-0')
    await soon(() => statusOf('app-0')).toBe(503)
    expect(performance.now() - began).toBeLessThan(3_000)
  })
})

describe('an app without a route', () => {
  it('gets none by an etcd that forgot what its App said', async () => {
    const app = JSON.stringify({ name: 'db', image: 'db:1', route: 'none' })
    await lab.store.put('/services/apps/db', app)
    await register(['db', 'app-0', 'app-1'])
    await soon(() => statuses(['app-0', 'app-1'])).toEqual([200])
    expect(await statusOf('db')).toBe(503)
    await lab.stopController()
    await loseData()
    await lab.startController()
    await soon(async () => (await lab.record())?.applied).toBe('0')
    await register(['db', 'app-0', 'app-1'])
    await soon(async () => (await lab.record())?.applied).not.toBe('0')
    expect(await statuses(['app-0', 'app-1'])).toEqual([200])
    expect(await statusOf('db')).toBe(503)
  })
})
