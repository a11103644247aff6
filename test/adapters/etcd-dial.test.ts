import { createServer, connect as dial, type Socket } from 'node:net'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { connect, type Store } from '../../adapters/etcd.ts'
import { type LabEtcd, startEtcd } from '../lab/etcd.ts'
import { labLeftovers } from '../lab/leftovers.ts'
import { startProxy } from '../lab/proxy.ts'

let etcd: LabEtcd
const leftovers = labLeftovers()

beforeAll(async () => {
  etcd = await startEtcd()
})
afterAll(() => etcd.stop())

function open(url: string): Store {
  const store = connect({ urls: [url] })
  leftovers.push(() => store.close())
  return store
}

/** Takes connections and lets nothing through, as a line that breaks right after; those that come once it `opens` are led to etcd. */
async function door() {
  const sockets = new Set<Socket>()
  let asked = 0
  let isOpen = false
  const own = (socket: Socket): void => {
    sockets.add(socket)
    socket.on('error', () => {})
  }
  const server = createServer((client) => {
    asked++
    own(client)
    if (!isOpen) return
    const upstream = dial(Number(new URL(etcd.url).port), '127.0.0.1')
    own(upstream)
    client.pipe(upstream).pipe(client)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  leftovers.push(() => {
    for (const socket of sockets) socket.destroy()
    return new Promise((resolve) => server.close(resolve))
  })
  const { port } = server.address() as { port: number }
  return {
    port,
    asked: () => asked,
    open: () => {
      isOpen = true
    },
  }
}

it.each(['http', 'https'])('dials anew where nothing comes on a connection: %s', async (scheme) => {
  const { port, asked } = await door()
  const store = open(`${scheme}://127.0.0.1:${port}`)
  await expect(store.get('/a')).rejects.toMatchObject({ code: 'unavailable' })
  expect(asked()).toBe(1)
  await expect.poll(asked, { timeout: 15_000 }).toBeGreaterThan(1)
})

it('reaches a member whose connections came to nothing, though the kernel still waits for them', async () => {
  const { port, open: unlock } = await door()
  const store = open(`http://127.0.0.1:${port}`)
  await expect(store.get('/a')).rejects.toMatchObject({ code: 'unavailable' })
  unlock()
  await expect
    .poll(() => store.get('/a').catch(() => 'unavailable'), { timeout: 15_000 })
    .toBeNull()
})

it('leaves a connection alone on which something came, however long it is quiet', async () => {
  const proxy = await startProxy(etcd.url)
  leftovers.push(() => proxy.stop())
  const store = open(proxy.url)
  await store.get('/a')
  await new Promise((resolve) => setTimeout(resolve, 5_000))
  await store.get('/a')
  expect(proxy.asked).toBe(1)
})
