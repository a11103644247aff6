import { afterAll, afterEach, beforeAll, expect, it } from 'vitest'
import type { AppInput } from '../../model/app.ts'
import { appContainers } from '../lab/containers.ts'
import type { LabFleet, LabHost } from '../lab/fleet/fleet.ts'
import { startFleet } from '../lab/fleet/start-fleet.ts'
import { APP_IMAGE } from '../lab/image.ts'
import { ask } from './client.ts'
import { startLoad } from './load.ts'

let fleet: LabFleet
beforeAll(async () => {
  fleet = await startFleet()
}, 180_000)
afterAll(() => fleet?.stop())
afterEach(async () => {
  for (const name of ['web', 'solo', 'nap', 'kept']) await api('DELETE', `/v1/apps/${name}`)
  for (const { name } of fleet.hosts) await api('DELETE', `/v1/hosts/${name}/drain`)
})

interface Instance {
  app: string
  slot: number
  host: string
  state: string
}

const origin = (at: number): string => fleet.gateways[at]?.origin ?? ''

async function api(method: string, path: string, body?: object, at = 0) {
  const launcher = fleet.launchers[at]
  if (!launcher) throw new Error('there is no such launcher')
  const answer = await launcher.api(method, path, body)
  return { status: answer.status, body: answer.text === '' ? null : JSON.parse(answer.text) }
}

async function instances(app: string, at = 0): Promise<Instance[]> {
  const { body } = await api('GET', `/v1/instances?app=${app}`, undefined, at)
  return body.instances
}

/** `slot@host` of what answers. */
async function ready(app: string, at = 0): Promise<string[]> {
  const all = await instances(app, at)
  return all.flatMap(({ slot, host, state }) => (state === 'ready' ? [`${slot}@${host}`] : []))
}

async function wake(input: Partial<AppInput> & { name: string }): Promise<void> {
  await fleet.add({ image: APP_IMAGE, env: { NAME: input.name }, ...input })
  expect((await api('POST', `/v1/apps/${input.name}/wake`)).status).toBe(200)
}

const hostOf = async (app: string): Promise<LabHost> => {
  const [one] = await instances(app)
  const host = fleet.hosts.find(({ name }) => name === one?.host)
  if (!host) throw new Error(`${app} runs nowhere`)
  return host
}

/** Everything of ours on a host, running or not. */
const on = async ({ docker }: LabHost): Promise<string[]> => {
  const found = await appContainers(docker, { all: true })
  return found.map(({ Names }) => Names[0] ?? '')
}

it('keeps the replicas of an app in use on different hosts, and takes those away in order that it has no more', async () => {
  await wake({ name: 'web', replicas: 3 })
  const { stop } = startLoad(origin(0), '/web/', 20)
  const slots = async () => (await ready('web')).length
  await expect.poll(slots, { timeout: 40_000, interval: 200 }).toBe(3)
  const hosts = (await ready('web')).map((text) => text.split('@')[1])
  expect(new Set(hosts).size).toBe(3)
  await api('PUT', '/v1/apps/web', { image: APP_IMAGE, env: { NAME: 'web' }, replicas: 1 })
  await expect.poll(async () => (await instances('web')).length, { timeout: 60_000 }).toBe(1)
  expect(await ready('web')).toEqual([expect.stringMatching(/^0@/)])
  expect((await stop()).failed).toEqual([])
}, 150_000)

it('drains a host under load without a failed request, also where the launcher dies that does it', async () => {
  await wake({ name: 'solo' })
  const host = await hostOf('solo')
  await wake({ name: 'web', replicas: 2 })
  await wake({ name: 'nap', constraints: [`host==${host.name}`] })
  await api('PUT', '/v1/apps/nap', { image: APP_IMAGE, env: { NAME: 'nap' } })
  expect((await api('POST', '/v1/apps/nap/sleep')).body.state).toBe('asleep')
  const loads = ['web', 'solo'].map((app, at) => startLoad(origin(at), `/${app}/`, 15))
  await expect.poll(async () => (await ready('web')).length, { timeout: 40_000 }).toBe(2)
  const broken = api('PUT', `/v1/hosts/${host.name}/drain`).catch(() => null)
  const rolls = async () => (await fleet.etcd.list('/services/rolls/')).entries.length
  await expect.poll(rolls, { timeout: 20_000, interval: 20 }).toBeGreaterThan(0)
  await fleet.launchers[0]?.launcher.kill()
  expect(await broken).toBeNull()
  const done = await api('PUT', `/v1/hosts/${host.name}/drain`, undefined, 1)
  expect(done.body).toMatchObject({ host: host.name, left: [] })
  // Who was killed between an instance and its sandbox has left that: its registrar removes it within a minute.
  await expect.poll(() => on(host), { timeout: 90_000 }).toEqual([])
  await fleet.launchers[0]?.launcher.start()
  expect((await api('GET', '/v1/hosts', undefined, 1)).body.hosts).toContainEqual(
    expect.objectContaining({ name: host.name, drained: expect.any(String) }),
  )
  expect((await ask(origin(0), '/nap/')).status).toBe(200)
  expect(await on(host)).toEqual([])
  for (const { stop } of loads) {
    const { failed, asked } = await stop()
    expect(failed).toEqual([])
    expect(asked).toBeGreaterThan(100)
  }
  const again = await api('PUT', `/v1/hosts/${host.name}/drain`, undefined, 1)
  expect(again.body).toEqual({ host: host.name, moved: 0, removed: 0, left: [] })
}, 180_000)

it('fills on the other hosts what a dead one had: what is in use, and what is kept awake', async () => {
  await wake({ name: 'solo' })
  const host = await hostOf('solo')
  const here = [`host==${host.name}`]
  await wake({ name: 'kept', min: 1, constraints: here, idleAfter: '1h' })
  await api('PUT', '/v1/apps/kept', { image: APP_IMAGE, env: { NAME: 'kept' }, min: 1 })
  expect((await ask(origin(0), '/solo/')).status).toBe(200)
  await host.crash()
  for (const app of ['solo', 'kept']) {
    const there = async (): Promise<boolean> => {
      const now = await ready(app, 1)
      return now.length === 1 && now[0] !== `0@${host.name}`
    }
    await expect.poll(there, { timeout: 40_000, interval: 200 }).toBe(true)
  }
  expect((await ask(origin(1), '/solo/')).status).toBe(200)
  await host.reboot()
  // What it had and others run by now is given up; nothing runs twice.
  const twice = async (): Promise<number> => (await ready('solo')).length
  await expect.poll(twice, { timeout: 30_000 }).toBe(1)
}, 180_000)
