import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { Etcd3 } from 'etcd3'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { freePort } from '../lab/port.ts'
import { ask, askUntil } from './client.ts'
import { type Cluster, startCluster } from './cluster.ts'

const MAIN = join(import.meta.dirname, '../../dist/cli/main.js')

let cluster: Cluster
beforeAll(async () => {
  cluster = await startCluster(['--networks', '127.0.0.0/8'])
})
afterAll(async () => {
  await cluster.stop()
})

it('a process that is no container is reached through its sidekick, and not once it is gone', async () => {
  const server = createServer((request, response) => response.end(`plain ${request.url}`))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const endpoint = `127.0.0.1:${(server.address() as AddressInfo).port}`
  const admin = `127.0.0.1:${await freePort()}`
  const sidekick = spawn(process.execPath, [
    ...[MAIN, 'registrar', '--etcd', cluster.etcd.url, '--networks', '127.0.0.0/8'],
    ...['--app', 'plain', '--endpoint', endpoint, '--probe', 'http:/health'],
    ...['--registrar-admin', admin, '--id', 'sidekick'],
  ])
  let output = ''
  for (const stream of [sidekick.stdout, sidekick.stderr])
    stream.on('data', (chunk) => {
      output += String(chunk)
    })
  const etcd = new Etcd3({ hosts: cluster.etcd.url })
  try {
    const up = await askUntil(cluster.origin, '/plain/a?b', (answer) => answer.status === 200, 30)
    expect(up?.text, output).toBe('plain /a?b')
    expect(await etcd.get('/services/clusters/plain').string()).toBe(endpoint)
    server.closeAllConnections()
    server.close()
    // Whoever asks at once is told to come again; whoever asks later is told that there is no such app.
    expect((await ask(cluster.origin, '/plain/')).status).toBe(503)
    const gone = await askUntil(cluster.origin, '/plain/', (answer) => answer.status === 404, 60)
    expect(gone?.status).toBe(404)
  } finally {
    sidekick.kill('SIGTERM')
    await once(sidekick, 'exit')
    etcd.close()
    server.close()
  }
}, 90_000)
