import { createServer, type Server, type Socket } from 'node:net'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openEngine } from '../../../adapters/docker-open.ts'
import { freePort } from '../../lab/port.ts'
import { openStage, type Stage } from './stage.ts'

// A host whose engine takes connections and never answers, as a stopped dockerd does.

let stage: Stage
let silent: Server
const connections: Socket[] = []
/** how often it was asked what it has */
let asked = 0
beforeAll(async () => {
  const port = await freePort()
  silent = createServer((socket) => {
    connections.push(socket)
    socket.on('data', (bytes) => {
      if (bytes.includes('/containers/json')) asked++
    })
  }).listen(port, '127.0.0.1')
  const engine = openEngine(`tcp://127.0.0.1:${port}`)
  stage = await openStage({ engines: { at: () => engine } })
  const host = { name: 'box-1', address: '10.0.0.5', publish: '10.0.0.5', cpus: 1, memory: 1 }
  const record = JSON.stringify({ ...host, engine: `tcp://127.0.0.1:${port}` })
  await stage.store.put('/services/hosts/box-1', record)
  await stage.store.put('/services/clusters/shop', '10.0.0.5:49150')
  await stage.store.put('/services/clusters/shop/1', '10.9.9.9:80')
})
afterAll(async () => {
  for (const socket of connections) socket.destroy()
  silent.close()
  await stage.close()
})

test('a host whose engine hangs is marked, and is asked once at a time', async () => {
  await expect.poll(() => stage.catalog.state.hosts.size).toBe(1)
  const lists = await Promise.all(Array.from({ length: 8 }, () => stage.ask('GET', '/v1/hosts')))
  for (const list of lists)
    expect(list.json().hosts).toMatchObject([{ name: 'box-1', alive: false, instances: null }])
  expect(asked).toBe(1)
})

test('a host whose engine is known to hang keeps no list waiting', async () => {
  await stage.ask('GET', '/v1/hosts')
  const began = performance.now()
  for (let more = 0; more < 60; more++)
    for (const path of ['hosts', 'instances', 'apps']) await stage.ask('GET', `/v1/${path}`)
  // a doubt of 150 ms for each would be 27 s
  expect(performance.now() - began).toBeLessThan(13_000)
})

test('endpoints are listed though their engine hangs, and those of no host too', async () => {
  await expect.poll(() => stage.catalog.state.slots('shop').size).toBe(2)
  const known = { app: 'shop', state: 'ready', container: null, exitCode: null, replicas: null }
  const { instances } = (await stage.ask('GET', '/v1/instances?app=SHOP')).json()
  expect(instances).toEqual([
    { ...known, slot: 0, host: 'box-1', endpoint: '10.0.0.5:49150' },
    { ...known, slot: 1, host: null, endpoint: '10.9.9.9:80' },
  ])
  expect((await stage.ask('GET', '/v1/instances?app=other')).json()).toEqual({ instances: [] })
})

test('a log behind such an engine is a problem, not a wait for ever', async () => {
  expect((await stage.ask('GET', '/v1/apps/shop/logs')).json()).toMatchObject({
    status: 503,
    detail: 'the engine of box-1 does not answer',
  })
})

test('gateways are listed as they describe themselves', async () => {
  const gateway = {
    id: 'gate-1',
    applied: '7',
    generation: 3,
    endpoints: 1,
    rejected: [{ key: '/services/clusters/x', reason: 'not a host:port with a plain IP address' }],
  }
  await stage.store.put('/services/gateways/gate-1', JSON.stringify(gateway))
  await expect
    .poll(async () => (await stage.ask('GET', '/v1/gateways')).json())
    .toEqual({ gateways: [gateway] })
})
