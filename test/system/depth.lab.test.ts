import { setTimeout as pause } from 'node:timers/promises'
import Docker from 'dockerode'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import type { AppInput } from '../../model/app.ts'
import { labEngine } from '../lab/engine.ts'
import { eventually } from '../registrar/process.ts'
import { ask } from './client.ts'
import { type Cluster, startCluster } from './cluster.ts'

const image = 'reveille-test/app:1'
const docker = new Docker({ socketPath: labEngine().url.replace('unix://', '') })

let cluster: Cluster
beforeAll(async () => {
  cluster = await startCluster()
})
afterAll(async () => {
  await cluster.stop()
})

type Fields = Partial<AppInput> & { name: string }
async function add(fields: Fields): Promise<string> {
  await cluster.add({ image, idleAfter: '1s', stopTimeout: '5s', ...fields })
  return fields.name
}

/** Which process answers. */
async function bootOf(name: string): Promise<string> {
  const answer = await ask(cluster.origin, `/${name}/`)
  if (answer.status !== 200) throw new Error(`${answer.status} ${answer.text}`)
  return JSON.parse(answer.text).bootId
}

async function stateOf(name: string, slot = 0): Promise<string> {
  const found = await docker
    .getContainer(`reveille-${name}-${slot}`)
    .inspect()
    .catch(() => null)
  return found?.State.Status ?? 'gone'
}
const becomes = (name: string, state: string, slot = 0): Promise<boolean> =>
  eventually(async () => (await stateOf(name, slot)) === state, 40_000)

const read = async (path: string) => JSON.parse((await cluster.api('GET', path)).text)

/** How often it was put to sleep, or deeper, by the registrar's own log. */
function slept(name: string): number {
  const isSleep = (line: string): boolean =>
    line.includes(`"app":"${name}"`) && line.includes('"msg":"slept"')
  return cluster.log().split('\n').filter(isSleep).length
}

/** Bursts of requests around the idle time of an app until it has slept so many times; what was no 200. */
async function bursts(name: string, times: number): Promise<string[]> {
  const failures: string[] = []
  const end = performance.now() + 90_000
  for (let round = 0; slept(name) < times && performance.now() < end; round++) {
    for (let burst = 0; burst < 3; burst++) {
      const body = burst === 1 ? { method: 'POST', body: `${name}-${round}` } : {}
      const answer = await ask(cluster.origin, `/${name}/`, body).catch(String)
      if (typeof answer === 'string') failures.push(answer)
      else if (answer.status !== 200) failures.push(`${answer.status} ${answer.text}`)
    }
    await pause(1_000 + ((round * 1_711) % 5_000))
  }
  return failures
}

describe.concurrent('each by itself', () => {
  it.each(['bridge', 'sandbox'] as const)(
    'a paused app in a %s is answered by the process that slept, and is said to be paused',
    async (network) => {
      const name = await add({ name: `nap-${network}`, sleep: 'pause,stop:15s', network })
      const boot = await bootOf(name)
      await becomes(name, 'paused')
      const instances = async () => (await read(`/v1/instances?app=${name}`)).instances
      const asleep = [{ app: name, state: 'paused', endpoint: null }]
      // expect.poll is not for tests that run beside others
      await vi.waitFor(async () => expect(await instances()).toMatchObject(asleep), 10_000)
      await eventually(async () => (await read(`/v1/apps/${name}`)).status.state === 'asleep')
      expect(await bootOf(name)).toBe(boot)
      await becomes(name, 'exited')
      expect(await bootOf(name)).not.toBe(boot)
    },
    90_000,
  )

  it('steps lead from paused to stopped to gone, and each of them wakes', async () => {
    const name = await add({ name: 'steps', sleep: 'pause,stop:4s,remove:8s' })
    const first = await bootOf(name)
    await becomes(name, 'paused')
    await becomes(name, 'exited')
    const second = await bootOf(name)
    expect(second).not.toBe(first)
    await becomes(name, 'gone')
    expect(await bootOf(name)).not.toBe(second)
  })

  it.each(['pause', 'remove', 'pause,stop:2s'])(
    'no request fails while an app goes to sleep by %s again and again',
    async (sleep) => {
      const name = await add({ name: `cycle-${sleep.replace(/\W/g, '-')}`, sleep })
      expect(await bursts(name, 4)).toEqual([])
      expect(slept(name)).toBeGreaterThan(3)
    },
    120_000,
  )

  it('a paused app that is asked to sleep is stopped, and ends when it is restarted or removed', async () => {
    const name = await add({ name: 'deeper', sleep: 'pause', idleAfter: '5m' })
    const boot = await bootOf(name)
    await cluster.api('POST', `/v1/apps/${name}/sleep`)
    expect(await stateOf(name)).toBe('paused')
    await cluster.api('POST', `/v1/apps/${name}/sleep`)
    expect(await stateOf(name)).toBe('exited')
    expect(await bootOf(name)).not.toBe(boot)
    await cluster.api('POST', `/v1/apps/${name}/sleep`)
    const paused = await docker.getContainer(`reveille-${name}-0`).inspect()
    expect((await cluster.api('POST', `/v1/apps/${name}/restart`)).status).toBe(200)
    const again = await docker.getContainer(`reveille-${name}-0`).inspect()
    expect(again.State.StartedAt).not.toBe(paused.State.StartedAt)
    await cluster.api('POST', `/v1/apps/${name}/sleep`)
    const removed = await cluster.api('DELETE', `/v1/apps/${name}`)
    expect(JSON.parse(removed.text)).toMatchObject({ containers: 1 })
    expect(await stateOf(name)).toBe('gone')
  })

  it('a paused app keeps its room, and itself needs no more', async () => {
    const name = await add({ name: 'room', sleep: 'pause', limits: { memory: '700m' } })
    await bootOf(name)
    await becomes(name, 'paused')
    const other = await add({ name: 'beside' })
    const promised = async (app: string): Promise<number> =>
      (await read(`/v1/apps/${app}/placement`)).hosts[0].promised.memory
    // the others of this file have less
    const less = async (): Promise<number> => (await promised(other)) - (await promised(name))
    await eventually(async () => (await less()) === 700 * 2 ** 20)
    const { hosts } = await read(`/v1/apps/${name}/placement`)
    expect(hosts).toMatchObject([{ verdict: 'chosen', container: 'paused' }])
  })

  it('a replace takes a paused one away without waking it, and the new one answers', async () => {
    const name = await add({ name: 'swap', sleep: 'pause', env: { NAME: 'v1' } })
    const boot = await bootOf(name)
    await becomes(name, 'paused')
    const answer = await cluster.api('POST', `/v1/apps/${name}/replace`, { env: { NAME: 'v2' } })
    expect(JSON.parse(answer.text)).toMatchObject({ slots: [], removed: 1, left: [] })
    expect(await stateOf(name)).toBe('gone')
    expect(await bootOf(name)).not.toBe(boot)
  })

  it('a change of the App makes a paused one anew at its next wake', async () => {
    const name = await add({ name: 'change', sleep: 'pause' })
    const boot = await bootOf(name)
    await becomes(name, 'paused')
    const app = { name, image, idleAfter: '1s', stopTimeout: '5s', sleep: 'stop' }
    expect((await cluster.api('PUT', `/v1/apps/${name}`, app)).status).toBe(200)
    expect(await bootOf(name)).not.toBe(boot)
    await becomes(name, 'exited')
  })

  it('what a paused app needs sleeps after it and wakes before it', async () => {
    const below = await add({ name: 'below', route: 'none', sleep: 'pause' })
    const above = await add({ name: 'above', dependsOn: [below], sleep: 'pause' })
    const boot = await bootOf(above)
    await becomes(above, 'paused')
    await becomes(below, 'paused')
    expect(await bootOf(above)).toBe(boot)
    expect(await stateOf(below)).toBe('running')
  })

  it('of an app with min only the others are paused, and they are back with the next use', async () => {
    const name = await add({ name: 'pair', sleep: 'pause', min: 1, replicas: 2, idleAfter: '4s' })
    await bootOf(name)
    await becomes(name, 'running', 1)
    await becomes(name, 'paused', 1)
    expect(await stateOf(name)).toBe('running')
    await eventually(async () => {
      await bootOf(name)
      return (await stateOf(name, 1)) === 'running'
    }, 20_000)
  })

  it('an app that was paused by hand and sleeps by stop is not touched', async () => {
    const name = await add({ name: 'hand', idleAfter: '5m', startTimeout: '5s' })
    await bootOf(name)
    await docker.getContainer(`reveille-${name}-0`).pause()
    await pause(1_000)
    const answer = await ask(cluster.origin, `/${name}/`)
    expect(answer.status).toBeGreaterThan(499)
    expect(await stateOf(name)).toBe('paused')
    await docker.getContainer(`reveille-${name}-0`).unpause()
  })

  it.each(['doze', 'pause,stop', 'pause,stop:1s', 'stop,pause:1h', 7])(
    'refuses to sleep by %j, and says how it could',
    async (sleep) => {
      const answer = await cluster.api('POST', '/v1/apps', { name: 'bad', image, sleep })
      expect(answer.status).toBe(400)
      expect(JSON.parse(answer.text).errors).toMatchObject([{ path: 'sleep' }])
      expect((await cluster.api('GET', '/v1/apps/bad')).status).toBe(404)
    },
  )
})

it('a drained host loses its paused ones without waking them', async () => {
  const name = await add({ name: 'moved', sleep: 'pause' })
  await bootOf(name)
  await becomes(name, 'paused')
  const { text } = await cluster.api('PUT', '/v1/hosts/lab/drain')
  expect(JSON.parse(text)).toMatchObject({ moved: 0 })
  expect(await stateOf(name)).toBe('gone')
  await cluster.api('DELETE', '/v1/hosts/lab/drain')
  await bootOf(name)
})
