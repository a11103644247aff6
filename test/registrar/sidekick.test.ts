import { createServer, type Server } from 'node:http'
import { afterAll, expect, test } from 'vitest'
import type { Store } from '../../adapters/etcd.ts'
import { readProbe } from '../../registrar/sidekick.ts'
import type { LabEtcd } from '../lab/etcd.ts'
import type { Part } from '../lab/part.ts'
import { freePort } from '../lab/port.ts'
import { labStore } from '../lab/store.ts'
import { eventually, startRegistrar } from './process.ts'

let etcd: LabEtcd
let store: Store
const parts: Part[] = []
const servers: Server[] = []
labStore((lab) => void ({ etcd, store } = lab))
afterAll(async () => {
  for (const part of parts) await part.kill()
  for (const server of servers) server.close()
})

/** A server that answers /health with what `status` says at the moment. */
async function serve(port: number, status: () => number): Promise<Server> {
  const server = createServer((_, response) => response.writeHead(status()).end())
  servers.push(server)
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
  return server
}

async function sidekick(settings: Record<string, string>): Promise<Part> {
  const registrarAdmin = `127.0.0.1:${await freePort()}`
  const part = await startRegistrar({
    etcd: etcd.url,
    leaseTtl: '15s',
    registrarAdmin,
    ...settings,
  })
  parts.push(part)
  return part
}

const valueOf = async (key: string): Promise<string | null> => (await store.get(key))?.value ?? null

test('a process is registered while it listens, and unregistered when its sidekick ends', async () => {
  const port = await freePort()
  const endpoint = `127.0.0.1:${port}`
  const part = await sidekick({ app: 'plain', endpoint })
  const server = await serve(port, () => 200)
  expect(await eventually(() => valueOf('/services/clusters/plain'))).toBe(endpoint)
  server.closeAllConnections()
  await new Promise((resolve) => server.close(resolve))
  await eventually(async () => (await valueOf('/services/clusters/plain')) === null)
  await serve(port, () => 200)
  await eventually(() => valueOf('/services/clusters/plain'))
  await part.end()
  expect(await valueOf('/services/clusters/plain')).toBeNull()
})

test('a process is asked by HTTP, has its slot, and a killed sidekick is followed by another', async () => {
  const port = await freePort()
  const endpoint = `127.0.0.1:${port}`
  const key = '/services/clusters/web/2'
  let status = 503
  await serve(port, () => status)
  const settings = { app: 'web', slot: '2', endpoint, probe: 'http:/health' }
  const first = await sidekick(settings)
  await new Promise((resolve) => setTimeout(resolve, 300))
  expect(await valueOf(key)).toBeNull()
  status = 200
  expect(await eventually(() => valueOf(key))).toBe(endpoint)
  const lease = (await store.get(key))?.lease
  await first.kill()
  await sidekick(settings)
  await eventually(async () => ![undefined, lease].includes((await store.get(key))?.lease))
  expect(await valueOf(key)).toBe(endpoint)
})

test.each([
  [{ app: 'a/b', endpoint: '127.0.0.1:80' }, /--app a\/b is not an app's name/],
  [{ app: 'a', endpoint: 'localhost:80' }, /--endpoint must be address:port/],
  [{ app: 'a', endpoint: '127.0.0.1:80', probe: 'image' }, /neither tcp nor http/],
])('settings that make no sense are refused: %o', async (settings, words) => {
  await expect(sidekick(settings)).rejects.toThrow(words)
})

test('a sidekick can ask by TCP and HTTP only', () => {
  expect(readProbe('tcp')).toEqual({ type: 'tcp' })
  expect(readProbe('http:/up')).toEqual({ type: 'http', path: '/up' })
  for (const none of ['auto', 'image', 'command:["x"]', 'http:up', ''])
    expect(readProbe(none)).toBeNull()
})
