import { afterAll, beforeAll, expect, it } from 'vitest'
import type { AppInput } from '../../model/app.ts'
import { eventually } from '../registrar/process.ts'
import { ask } from './client.ts'
import { type Cluster, startCluster } from './cluster.ts'

let cluster: Cluster
beforeAll(async () => {
  cluster = await startCluster(['--instances-per-host', '2'])
})
afterAll(async () => {
  await cluster.stop()
})

async function stateOf(name: string): Promise<string | undefined> {
  const { text } = await cluster.api('GET', `/v1/instances?app=${name}`)
  return JSON.parse(text).instances[0]?.state
}

async function wake(fields: Partial<AppInput> & { name: string }): Promise<number> {
  await cluster.add({ image: 'reveille-test/app:1', idleAfter: '5m', ...fields })
  return (await ask(cluster.origin, `/${fields.name}/`)).status
}

it('on a host that is full the longest paused is stopped for what somebody waits for, nothing else', async () => {
  for (const name of ['first', 'second']) {
    expect(await wake({ name, sleep: 'pause' })).toBe(200)
    await cluster.api('POST', `/v1/apps/${name}/sleep`)
    await expect.poll(() => stateOf(name)).toBe('paused')
    // its room is kept by its host's record from then on
    await eventually(async () => (await cluster.api('GET', '/v1/hosts')).text.includes(`${name}/0`))
  }
  expect(await wake({ name: 'third' })).toBe(200)
  const states = (...names: string[]) => Promise.all(names.map(stateOf))
  await expect.poll(() => states('first', 'second', 'third')).toEqual(['asleep', 'paused', 'ready'])
  expect((await ask(cluster.origin, '/second/')).status).toBe(200)
  // both are in use now: there is nothing to be had
  expect(await wake({ name: 'fourth', sleep: 'pause' })).toBe(503)
  expect(await states('second', 'third')).toEqual(['ready', 'ready'])
})
