import { request } from 'node:http'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Engines } from '../../../launcher/api/control.ts'
import type { Container } from '../../../model/container.ts'
import { writeLabels } from '../../../model/label.ts'
import { freePort } from '../../lab/port.ts'
import { bearer, openStage, type Stage } from './stage.ts'

// What an engine says is given here by values; sleep.lab.test.ts has the real one.

let stage: Stage
let containers: Container[] = []
const removed: string[] = []
const read: string[] = []
const engine = {
  ping: async () => {},
  list: async () => containers,
  remove: async (id: string) => {
    if (id === 'held') throw new Error('a volume is in use')
    removed.push(id)
  },
  async *logs(id: string) {
    read.push(id)
    yield 'a line'
  },
}
const port = await freePort()

beforeAll(async () => {
  const listen = `127.0.0.1:${port}`
  stage = await openStage({ listen, engines: { at: () => engine } as unknown as Engines })
  for (const name of ['box-1', 'box-2'])
    await stage.store.put(
      `/services/hosts/${name}`,
      JSON.stringify({
        name,
        address: name === 'box-1' ? '10.0.0.5' : '10.0.0.6',
        engine: `unix:///${name}.sock`,
        publish: '10.0.0.5',
        cpus: 1,
        memory: 1,
      }),
    )
})
afterAll(() => stage.close())

function container(id: string, state: Container['state'], slot = 0): Container {
  const spec = { app: 'shop', slot, port: 8000, health: { type: 'auto' } as const, idleAfter: 300 }
  const labels = writeLabels({ ...spec, stopTimeout: 10, min: 0, revision: '' })
  const rest = {
    exitCode: 0,
    error: '',
    health: 'none',
    published: {},
    pid: 0,
    image: 'a',
  } as const
  return { id, name: id, labels, state, ...rest }
}

test('a container that was only made sleeps, a paused one is shown as such', async () => {
  await expect.poll(() => stage.catalog.state.hosts.size).toBe(2)
  containers = [container('made', 'created'), container('held', 'paused', 1)]
  const { instances } = (await stage.ask('GET', '/v1/instances')).json()
  const states = instances.map((each: { container: string; state: string }) => each.state)
  expect(new Set(states)).toEqual(new Set(['asleep', 'paused']))
})

test('the log is read from the instance that runs', async () => {
  containers = [container('old', 'exited'), container('live', 'running')]
  await stage.ask('GET', '/v1/apps/shop/logs')
  expect(read).toEqual(['live'])
})

test('a container that cannot be removed is told of with the reason, after the others', async () => {
  containers = [container('held', 'exited'), container('free', 'exited', 1)]
  const answer = await stage.ask('DELETE', '/v1/apps/shop')
  expect(answer.json()).toMatchObject({ status: 503 })
  expect(answer.json().detail).toContain('held on box-1: a volume is in use')
  expect(removed).toContain('free')
})

test('a body that does not come is given up in time', async () => {
  await stage.api.listen({ host: '127.0.0.1', port })
  const began = performance.now()
  await new Promise<void>((resolve) => {
    const headers = { ...bearer, 'content-type': 'application/json', 'content-length': '100' }
    const call = request({ host: '127.0.0.1', port, method: 'POST', path: '/v1/apps', headers })
    call.on('error', () => resolve())
    call.on('close', () => resolve())
    call.write('{')
  })
  expect(performance.now() - began).toBeLessThan(25_000)
}, 40_000)
