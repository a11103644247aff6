import { createServer as createHttp } from 'node:http'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { afterAll, expect, test } from 'vitest'
import { Probe } from '../../adapters/probe.ts'
import { freePort } from '../lab/port.ts'

const never = new AbortController().signal
const plain = new Probe(false)
const proxied = new Probe(true)
const servers: Server[] = []
const sockets = new Set<Socket>()

afterAll(() => {
  for (const socket of sockets) socket.destroy()
  for (const server of servers) server.close()
})

async function listen(server: Server): Promise<{ host: string; port: number }> {
  servers.push(server)
  server.on('connection', (socket: Socket) => sockets.add(socket.on('error', () => {})))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return { host: '127.0.0.1', port: (server.address() as AddressInfo).port }
}

test('a TCP port is open or not', async () => {
  const open = await listen(createServer())
  expect(await plain.tcp(open, 1_000, never)).toBe(true)
  expect(await proxied.tcp(open, 1_000, never)).toBe(true)
  const closed = { host: '127.0.0.1', port: await freePort() }
  expect(await plain.tcp(closed, 1_000, never)).toBe(false)
})

test('behind docker-proxy a connection that is closed at once is none', async () => {
  for (const hangUp of ['end', 'destroy'] as const) {
    const empty = await listen(createServer((socket) => socket[hangUp]()))
    expect(await proxied.tcp(empty, 1_000, never)).toBe(false)
    expect(await plain.tcp(empty, 1_000, never)).toBe(true)
  }
})

test('an answer that does not come in time is a no, as is one that is no longer wanted', async () => {
  // a documentation address: nobody answers
  const silent = { host: '192.0.2.1', port: 9 }
  expect(await plain.tcp(silent, 50, never)).toBe(false)
  const deaf = await listen(createHttp(() => {}))
  expect(await plain.http(deaf, '/', 50, never)).toBe(false)
  expect(await plain.http(deaf, '/', 60_000, AbortSignal.timeout(50))).toBe(false)
  expect(await plain.tcp(deaf, 60_000, AbortSignal.abort())).toBe(false)
})

test('an HTTP path answers well with 2xx and 3xx only', async () => {
  const server = await listen(
    createHttp((request, response) => {
      response.writeHead(Number(request.url?.slice(1))).end()
    }),
  )
  for (const [status, isGood] of [
    [200, true],
    [204, true],
    [302, true],
    [404, false],
    [503, false],
  ] as const)
    expect(await plain.http(server, `/${status}`, 1_000, never)).toBe(isGood)
})

test('what speaks no HTTP does not answer well', async () => {
  const garbage = await listen(createServer((socket) => socket.end('nonsense\r\n')))
  expect(await plain.http(garbage, '/', 1_000, never)).toBe(false)
})

test('an app that only ever says 1xx is a no at once, however long it may take', async () => {
  let sent = 0
  const flood = await listen(
    createServer((socket) => {
      const hints = 'HTTP/1.1 100 Continue\r\n\r\n'.repeat(100)
      const more = (): void => {
        sent += 100
        if (!socket.destroyed && sent < 1e6) socket.write(hints, () => setImmediate(more))
      }
      more()
    }),
  )
  expect(await plain.http(flood, '/', 60_000, never)).toBe(false)
  expect(sent).toBeLessThan(1e6)
})
