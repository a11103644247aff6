import { type AddressInfo, connect, createServer } from 'node:net'
import { expect, test } from 'vitest'
import { countConnections, countEstablished } from '../../adapters/connections.ts'

const TABLE = `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 00000000:1F40 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1 1 0 100 0 0 10 0
   1: 020011AC:1F40 010011AC:C350 01 00000000:00000000 02:000005DD 00000000     0        0 2 2 0 20 4 30 10 -1
   2: 020011AC:1F40 010011AC:C351 06 00000000:00000000 03:00000A1B 00000000     0        0 0 3 0
   3: 020011AC:C352 010011AC:1F40 01 00000000:00000000 02:000005DD 00000000     0        0 4 2 0 20 4 30 10 -1
   4: 020011AC:1F41 010011AC:C353 01 00000000:00000000 02:000005DD 00000000     0        0 5 2 0 20 4 30 10 -1
`

test('only established connections to the port itself count', () => {
  expect(countEstablished(TABLE, 8000, true)).toBe(1)
  expect(countEstablished(TABLE, 8001, true)).toBe(1)
  expect(countEstablished(TABLE, 80, true)).toBe(0)
  expect(countEstablished('', 8000, true)).toBe(0)
})

test('open connections of a process are seen for as long as they are open, in IPv4 and IPv6', async () => {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '::', resolve))
  const { port } = server.address() as AddressInfo
  // a process without a network of its own: the port inside says nothing
  const listener = { pid: process.pid, port: 8000, published: port }
  expect(await countConnections(listener)).toBe(0)
  const clients = ['127.0.0.1', '::1'].map((host) => connect({ host, port }))
  await Promise.all(
    clients.map((client) => new Promise((resolve) => client.once('connect', resolve))),
  )
  expect(await countConnections(listener)).toBe(2)
  for (const client of clients) client.destroy()
  await new Promise((resolve) => server.close(resolve))
  expect(await countConnections(listener)).toBe(0)
})

test('what a container asks itself over loopback is no use of it', () => {
  const line = (local: string, remote: string) =>
    `   1: ${local}:1F40 ${remote}:C350 01 00000000:00000000 02:000005DD 00000000     0        0 2 2 0\n`
  const mapped = '0000000000000000FFFF0000'
  const own = [
    line('0100007F', '0100007F'),
    line(`${mapped}0100007F`, `${mapped}0200007F`),
    line(`${'0'.repeat(24)}01000000`, `${'0'.repeat(24)}01000000`),
  ].join('')
  const others = line('020011AC', '010011AC') + line(`${mapped}020011AC`, `${mapped}010011AC`)
  expect(countEstablished(own + others, 8000, false)).toBe(2)
  expect(countEstablished(own + others, 8000, true)).toBe(5)
})

test('of a process that cannot be seen nothing is known', async () => {
  expect(await countConnections({ pid: 4_194_305, port: 1, published: 1 })).toBeNull()
})
