import { execFile } from 'node:child_process'
import { readdir, readFile, stat } from 'node:fs/promises'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { createServer, type TLSSocket, connect as tls } from 'node:tls'
import { promisify } from 'node:util'
import { beforeAll, describe, expect, test } from 'vitest'
import { temporaryFolder } from '../lab/folder.ts'

const SCRIPT = join(import.meta.dirname, '../../unit_files/certificates.sh')
const run = promisify(execFile)

let folder: string
const make = (...args: string[]) => run(SCRIPT, [folder, ...args])
const read = (path: string): Promise<Buffer> => readFile(join(folder, path))

beforeAll(async () => {
  folder = await temporaryFolder()
  await make('one', '127.0.0.1', 'member', 'host', 'launcher')
  await make('two', '127.0.0.2')
})

/** Whether a server with the one certificate, which asks for one, and a client with the other, accept each other. */
async function meet(server: string, trusts: string, client: string, ca: string): Promise<boolean> {
  const listener = createServer({
    cert: await read(`${server}.crt`),
    key: await read(`${server}.key`),
    ca: await read(trusts),
    requestCert: true,
    rejectUnauthorized: true,
    minVersion: 'TLSv1.3',
  })
  listener.on('secureConnection', (socket: TLSSocket) => socket.end('met'))
  await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve))
  const socket = tls({
    host: '127.0.0.1',
    port: (listener.address() as AddressInfo).port,
    cert: await read(`${client}.crt`),
    key: await read(`${client}.key`),
    ca: await read(ca),
  })
  try {
    return await new Promise((resolve) => {
      socket.on('data', (data) => resolve(data.toString() === 'met'))
      socket.on('error', () => resolve(false))
      socket.on('end', () => resolve(false))
    })
  } finally {
    socket.destroy()
    listener.close()
  }
}

describe('what it makes', () => {
  test('is for its owner alone', async () => {
    const files = await readdir(folder, { recursive: true, withFileTypes: true })
    const modes = files
      .filter((file) => file.isFile())
      .map((file) => stat(join(file.parentPath, file.name)).then(({ mode }) => mode & 0o777))
    expect(new Set(await Promise.all(modes))).toEqual(new Set([0o600]))
    expect(modes.length).toBeGreaterThan(15)
  })

  test('is what the roles of the machine need', async () => {
    expect((await readdir(join(folder, 'one'))).sort()).toEqual([
      'engine',
      'etcd',
      'launcher',
      'member',
    ])
    expect(await readdir(join(folder, 'two'))).toEqual(['etcd'])
  })

  test.each([
    ['any machine', 'one/member/server', 'one/member/ca.crt', 'two/etcd/client', 'two/etcd/ca.crt'],
    [
      'etcd itself',
      'one/member/server',
      'one/member/ca.crt',
      'one/member/server',
      'one/member/ca.crt',
    ],
    [
      'a member',
      'one/member/peer',
      'one/member/peer-ca.crt',
      'one/member/peer',
      'one/member/peer-ca.crt',
    ],
    [
      'a launcher',
      'one/engine/server',
      'one/engine/ca.crt',
      'one/launcher/client',
      'one/launcher/ca.crt',
    ],
  ])('lets %s in', async (_who, server, trusts, client, ca) => {
    expect(await meet(server, trusts, client, ca)).toBe(true)
  })

  test.each([
    [
      'of etcd to an engine',
      'one/engine/server',
      'one/engine/ca.crt',
      'two/etcd/client',
      'one/engine/ca.crt',
    ],
    [
      'of etcd among its members',
      'one/member/peer',
      'one/member/peer-ca.crt',
      'two/etcd/client',
      'one/member/peer-ca.crt',
    ],
    [
      'of an engine to another',
      'one/engine/server',
      'one/engine/ca.crt',
      'one/engine/server',
      'one/engine/ca.crt',
    ],
  ])('lets no client %s', async (_what, server, trusts, client, ca) => {
    expect(await meet(server, trusts, client, ca)).toBe(false)
  })
})

test('the same line again changes nothing, another address does', async () => {
  await make('three', '127.0.0.3', 'host')
  const before = await read('three/engine/server.crt')
  expect((await make('three', '127.0.0.3', 'host')).stdout).toBe('')
  expect(await read('three/engine/server.crt')).toEqual(before)
  expect((await make('three', '127.0.0.4', 'host')).stdout).toContain('three/engine/server.crt')
  expect(await read('three/engine/server.crt')).not.toEqual(before)
})

test.each([
  [['../one', '127.0.0.1'], 'not the name of a machine'],
  [['authority', '127.0.0.1'], 'not the name of a machine'],
  [['one', 'DNS:*'], 'not an IP address'],
  [['one', '127.0.0.1', 'root'], 'not a role'],
])('refuses %j', async (args, message) => {
  await expect(make(...args)).rejects.toMatchObject({
    code: 2,
    stderr: expect.stringContaining(message),
  })
})
