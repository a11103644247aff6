import { execFile } from 'node:child_process'
import { readFile, stat, writeFile } from 'node:fs/promises'
import { request } from 'node:http'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { WebSocket } from 'ws'
import { hostile } from '../hostile/corpus.ts'
import { freePort } from '../lab/port.ts'
import { processTable } from '../lab/process-table.ts'
import { ask } from '../system/client.ts'
import { startLoad } from '../system/load.ts'
import { type Backend, startBackend } from '../templates/backend.ts'
import { type LabController, startControllerLab } from './gateway.ts'

vi.hoisted(() => {
  process.env.REVEILLE_TEST_LIVE = 'on'
})

let lab: LabController
let shop: Backend
let docs: Backend
const soon = <T>(look: () => T) => expect.poll(look, { timeout: 15_000, interval: 50 })

beforeAll(async () => {
  ;[lab, shop, docs] = await Promise.all([
    startControllerLab(),
    startBackend('shop'),
    startBackend('docs'),
  ])
  await lab.put('shop', shop.address)
  await vi.waitFor(async () => expect(await appAt('/shop/')).toBe('shop'), 10_000)
})
afterAll(async () => {
  await lab.stop()
  await Promise.all([shop.stop(), docs.stop()])
})

const appAt = async (path: string) => {
  const { status, text } = await ask(lab.origin, path)
  return status === 200 ? (JSON.parse(text) as { app: string }).app : status
}
const generation = async () => (await ask(lab.origin, '/_reveille/generation')).text
const socketPath = () => join(lab.folder, 'nginx/door/socket')
/** Speaks to the table as a controller does. */
function door(method: string, path: string, body = ''): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    const headers = { 'content-length': Buffer.byteLength(body) }
    const call = request({ socketPath: socketPath(), method, path, headers, agent: false })
    call.on('error', reject)
    call.on('response', (response) => {
      let text = ''
      response.on('data', (part: Buffer) => {
        text += part.toString()
      })
      response.on('end', () => resolve({ status: response.statusCode ?? 0, text: text.trim() }))
    })
    call.end(body)
  })
}
const revision = async () => (await door('GET', '/table')).text
const flight = async () =>
  Object.fromEntries(
    (await door('GET', '/flight')).text
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => [line.split(' ')[0], Number(line.split(' ')[1])]),
  ) as Record<string, number>
const workers = async () =>
  (await processTable())
    .filter(({ parent }) => parent === lab.nginx.pid)
    .map(({ pid }) => pid)
    .sort((left, right) => left - right)

describe('a change of what runs', () => {
  it('is live without a reload, and fails no request of busy clients', async () => {
    const before = [await generation(), await workers()]
    const socket = new WebSocket(`ws://${new URL(lab.origin).host}/shop/ws`)
    const messages: string[] = []
    socket.on('message', (data) => messages.push(String(data)))
    await soon(() => messages.length).toBe(1)
    const { stop } = startLoad(lab.origin, '/shop/', 150)
    for (let i = 0; i < 30; i++) {
      const applied = await lab.put(`app-${i}`, docs.address)
      await soon(() => appAt(`/app-${i}/`)).toBe('docs')
      if (i % 10 === 0) await soon(async () => (await lab.record())?.applied).toBe(applied)
    }
    const { asked, failed } = await stop()
    expect(failed).toEqual([])
    expect(asked).toBeGreaterThan(10)
    for (let i = 0; i < 30; i++) await lab.store.remove(`/services/clusters/app-${i}`)
    await soon(() => appAt('/app-29/')).toBe(503)
    socket.send('still here')
    await soon(() => messages.at(-1)).toBe('still here')
    socket.close()
    expect([await generation(), await workers()]).toEqual(before)
  })

  it('that nobody pushed is mended', async () => {
    const before = await revision()
    expect((await door('PUT', '/table', 'reveille table 1 * abcd\n')).status).toBe(200)
    expect(await appAt('/shop/')).toBe(503)
    await soon(() => appAt('/shop/')).toBe('shop')
    expect(await revision()).toBe(before)
  })
})

describe('the table', () => {
  it('is there after a restart of nginx without a controller, and after a kill', async () => {
    await soon(() => readFile(join(lab.folder, 'nginx/table'), 'utf8')).toContain('shop\t')
    await lab.stopController()
    for (const end of ['stop', 'kill'] as const) {
      await lab.nginx[end]()
      await lab.startNginx()
      expect(await appAt('/shop/')).toBe('shop')
    }
    await lab.startController()
    await lab.put('after', docs.address)
    await soon(() => appAt('/after/')).toBe('docs')
  })

  it('stays over a reload, whatever the file says', async () => {
    await lab.stopController()
    const file = join(lab.folder, 'nginx/table')
    await writeFile(file, 'reveille table 1 * abcd\n')
    const before = await workers()
    process.kill(lab.nginx.pid, 'SIGHUP')
    await soon(async () => (await workers()).some((pid) => before.includes(pid))).toBe(false)
    expect(await appAt('/shop/')).toBe('shop')
    await lab.startController()
  })

  it('is out of reach for everybody else on the machine', async () => {
    expect((await stat(join(lab.folder, 'nginx/door'))).mode & 0o777).toBe(0o700)
    expect((await stat(join(lab.folder, 'nginx/table'))).mode & 0o777).toBe(0o600)
    const curl = (uid: number) =>
      promisify(execFile)('curl', ['-sS', '--unix-socket', socketPath(), 'http://x/table'], {
        uid,
        gid: uid,
      })
    expect((await curl(0)).stdout.trim()).toBe(await revision())
    await expect(curl(65_534)).rejects.toThrow(/Couldn't connect|Could not connect/)
  })
})

describe('a line that is not as it must be', () => {
  const line = (name: string, peers: string, flags = 'n', rest = '1\t5\t') =>
    `${name}\t${flags}\t${rest}\t${peers}`
  const bad: [string, string][] = [
    ...hostile('app.name').map(({ value }): [string, string] => [
      `name ${value}`,
      line(`${value}\t`, '127.0.0.1:80*1'),
    ]),
    ...hostile('etcd.value')
      .filter(({ expect: law }) => law === 'ignore-entry')
      // what only a cluster's own settings refuse, nginx cannot know
      .filter(({ value }) => !/^(?:\d+\.){3}\d+:\d+$|^\[[0-9a-f:]+\]:\d+$/.test(value))
      .map(({ value }): [string, string] => [`address ${value}`, line('bad', `${value}*1`)]),
    ...['0.0.0.0:80', '169.254.169.254:80', '224.0.0.1:80', '127.0.0.1:22', '127.0.0.1:2375']
      .concat(['[fe80::1]:80', '[::]:80', '[ff02::1]:80', 'localhost:80', 'unix:/x:80'])
      .concat(['127.0.0.1:0', '127.0.0.1:65536', '127.0.0.01:80', '256.0.0.1:80', '1.2.3:80'])
      .map((value): [string, string] => [value, line('bad', `${value}*1`)]),
    ['no weight', line('bad', '127.0.0.1:80')],
    ['weight 0', line('bad', '127.0.0.1:80*0')],
    ['pin', line('bad', '127.0.0.1:80*1#zz')],
    ['flags', line('bad', '127.0.0.1:80*1', 'x')],
    ['no peers', line('bad', '')],
    ['numbers', line('bad', '127.0.0.1:80*1', 'n', '-1\t5\t')],
    ['empty', ''],
    ['revision', '\0revision\t-'],
  ]

  it.each(bad)('is refused with all that came with it: %j', async (_, text) => {
    const before = await revision()
    const good = line('good', docs.address + '*1')
    const answer = await door('PUT', '/table', `reveille table 1 * abcd\n${good}\n${text}\n`)
    expect(answer.status).toBe(400)
    expect(await revision()).toBe(before)
    expect(await appAt('/good/')).toBe(503)
    expect(await appAt('/shop/')).toBe('shop')
  })

  it('in the file costs its own app its route, and nothing else', async () => {
    await lab.stopController()
    await lab.nginx.stop()
    const lines = [line('good', `${docs.address}*1`), ...bad.map(([, text]) => text)]
    const file = join(lab.folder, 'nginx/table')
    await writeFile(file, `reveille table 1 * abcd\n${lines.join('\n')}\n`)
    await lab.startNginx()
    expect(await appAt('/good/')).toBe('docs')
    expect(await appAt('/bad/')).toBe(503)
    for (const nonsense of ['', 'x', '\0\0\0', 'reveille table 1 * abcd', '{"a":1}\n{{']) {
      await lab.nginx.stop()
      await writeFile(file, nonsense)
      await lab.startNginx()
      expect(await appAt('/good/')).toBe(503)
    }
    await lab.startController()
    await soon(() => appAt('/shop/')).toBe('shop')
    expect(await appAt('/good/')).toBe(503)
  })

  it('is not guessed at where the door is spoken to wrongly', async () => {
    for (const [method, body, status] of [
      ['PUT', '', 400],
      ['PUT', 'reveille table 2 * abcd\n', 400],
      ['PUT', 'reveille table 1 0000 abcd\n', 409],
      ['POST', 'reveille table 1 * abcd\n', 200],
    ] as const)
      expect((await door(method, '/table', body)).status).toBe(status)
    expect(await appAt('/shop/')).toBe('shop')
  })
})

describe('requests in flight', () => {
  beforeEach(() => vi.waitFor(async () => expect(await flight()).toEqual({}), 10_000))

  it('are counted exactly: streams, WebSockets, slow ones, those that are left', async () => {
    const host = new URL(lab.origin).host
    const sockets = Array.from({ length: 7 }, () => new WebSocket(`ws://${host}/shop/ws`))
    const slow = Array.from({ length: 5 }, () => ask(lab.origin, '/shop/slow/1500'))
    await soon(flight).toEqual({ [shop.address]: 12 })
    await Promise.all(slow)
    await soon(flight).toEqual({ [shop.address]: 7 })
    for (const [index, socket] of sockets.entries())
      if (index % 2) socket.terminate()
      else socket.close()
    await soon(flight).toEqual({})
    const left = Array.from({ length: 4 }, () => {
      const call = request(`${lab.origin}/shop/slow/20000`, { agent: false })
      call.on('error', () => {})
      call.end()
      return call
    })
    await soon(flight).toEqual({ [shop.address]: 4 })
    for (const call of left) call.destroy()
    await soon(flight).toEqual({})
  })

  it('are with who has them after one that is gone, and with nobody after failures', async () => {
    const dead = `127.0.0.1:${await freePort()}`
    await lab.store.put('/services/clusters/half', dead)
    await lab.store.put('/services/clusters/half/1', docs.address)
    await soon(() => appAt('/half/')).toBe('docs')
    const slow = Array.from({ length: 6 }, () => ask(lab.origin, '/half/slow/1500'))
    await soon(flight).toEqual({ [docs.address]: 6 })
    await Promise.all(slow)
    await lab.store.remove('/services/clusters/half/1')
    await soon(() => appAt('/half/')).not.toBe('docs')
    for (let i = 0; i < 20; i++) expect([502, 503]).toContain(await appAt('/half/'))
    for (let i = 0; i < 5; i++) await ask(lab.origin, '/shop/drop', { method: 'POST', body: 'x' })
    await soon(flight).toEqual({})
  })

  it('lead new ones to the instance that has least to do', async () => {
    await lab.store.put('/services/clusters/two', shop.address)
    await lab.store.remove('/services/clusters/shop')
    await lab.store.put('/services/clusters/two/1', docs.address)
    await soon(async () => (await lab.record())?.endpoints).toBeGreaterThan(2)
    await soon(
      async () => new Set(await Promise.all(Array.from({ length: 8 }, () => appAt('/two/')))),
    ).toEqual(new Set(['shop', 'docs']))
    const slow = Array.from({ length: 10 }, () => ask(lab.origin, '/two/slow/1500'))
    await soon(flight).toEqual({ [shop.address]: 5, [docs.address]: 5 })
    await Promise.all(slow)
  })
})
