import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { type AddressInfo, connect, createServer } from 'node:net'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { startEtcd } from './etcd.ts'
import { temporaryFolder } from './folder.ts'
import { startNginx } from './nginx.ts'
import { freePort } from './port.ts'
import { bornAt, sessionOf } from './process-table.ts'
import { startProxy } from './proxy.ts'
import { sweep } from './sweep.ts'

it('keeps the data of an etcd that is ended, killed and started again', async () => {
  const etcd = await startEtcd()
  const ask = (call: string, body: object, patience = 15_000) =>
    fetch(`${etcd.url}/v3/kv/${call}`, {
      method: 'POST',
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(patience),
    })
  const key = Buffer.from('/lab').toString('base64')
  await ask('put', { key, value: key })
  await etcd.down()
  await expect(ask('range', { key })).rejects.toThrow()
  await etcd.up()
  await etcd.kill()
  await etcd.up()
  expect(await (await ask('range', { key })).json()).toMatchObject({ count: '1' })
  await etcd.pause()
  await expect(ask('range', { key }, 1_000)).rejects.toThrow(/timeout/)
  await etcd.resume()
  expect((await ask('range', { key })).status).toBe(200)
  await etcd.stop()
})

it('starts an nginx whose ports are open, and kills it with all its workers', async () => {
  const folder = await temporaryFolder()
  const port = await freePort()
  const file = join(folder, 'nginx.conf')
  const server = `server { listen 127.0.0.1:${port}; location / { return 200 here; } }`
  await writeFile(file, `pid nginx.pid; events {} http { access_log off; ${server} }`)
  const nginx = await startNginx(file)
  expect(await (await fetch(`http://127.0.0.1:${port}/`)).text()).toBe('here')
  await nginx.kill()
  expect(await sessionOf(nginx.pid)).toEqual([])
})

it('gives the words of an nginx that refuses its configuration', async () => {
  const file = join(await temporaryFolder(), 'nginx.conf')
  await writeFile(file, 'nonsense;')
  await expect(startNginx(file)).rejects.toThrow(/unknown directive "nonsense"/)
})

it('sweeps a run whose owner was killed: its processes and its folder', async () => {
  const run = { folder: join(await temporaryFolder(), '999'), slot: 999 }
  await mkdir(join(run.folder, 'sessions'), { recursive: true })
  const orphan = spawn('sh', ['-c', 'sleep 600 & wait'], { detached: true, stdio: 'ignore' })
  await once(orphan, 'spawn')
  const pid = orphan.pid as number
  await writeFile(join(run.folder, 'sessions', String(pid)), (await bornAt(pid)) ?? '')
  await sweep(run)
  expect(await sessionOf(pid)).toEqual([])
  expect(existsSync(run.folder)).toBe(false)
})

it('spares a process that only has the pid of one that is gone', async () => {
  const run = { folder: join(await temporaryFolder(), '998'), slot: 998 }
  await mkdir(join(run.folder, 'sessions'), { recursive: true })
  const other = spawn('sleep', ['600'], { detached: true, stdio: 'ignore' })
  await once(other, 'spawn')
  await writeFile(join(run.folder, 'sessions', String(other.pid)), '1')
  await sweep(run)
  expect(await sessionOf(other.pid as number)).toEqual([other.pid])
  other.kill('SIGKILL')
})

it('takes longer each way by a proxy with a delay, and says all of it in order', async () => {
  const server = createServer((socket) => {
    socket.on('data', (data) => {
      for (const byte of data) socket.write(Buffer.from([byte]))
      socket.end()
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const proxy = await startProxy(`http://127.0.0.1:${port}`, { delay: 100 })
  const began = performance.now()
  const socket = connect(Number(new URL(proxy.url).port), '127.0.0.1')
  socket.write('in order')
  let answer = ''
  for await (const data of socket) answer += String(data)
  expect(answer).toBe('in order')
  // timers may be a millisecond early
  expect(performance.now() - began).toBeGreaterThanOrEqual(195)
  await proxy.stop()
  server.close()
})
