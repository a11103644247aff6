import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { promisify } from 'node:util'
import { Agent, request } from 'undici'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openEngine } from '../../../adapters/docker.ts'
import { openToken } from '../../../adapters/token.ts'
import { labEngine } from '../../lab/engine.ts'
import { type LabEtcd, startEtcd } from '../../lab/etcd.ts'
import { temporaryFolder } from '../../lab/folder.ts'
import { freePort } from '../../lab/port.ts'
import { type ServiceProcess, startService } from './service-process.ts'

// A launcher and a registrar as processes of their own, over a real engine and a real etcd.

const image = 'reveille-test/app:1'
/** Closes each connection after its answer: an open one counts as use, and a sleep waits for it. */
const once = new Agent({ pipelining: 0 })
let etcd: LabEtcd
let launcher: ServiceProcess
let registrar: ServiceProcess
let api: string
let stateDir: string
let token: string

beforeAll(async () => {
  etcd = await startEtcd()
  stateDir = join(await temporaryFolder(), 'state')
  token = (await openToken(stateDir)).token
  const engine = labEngine()
  const [wake, apiPort, admin] = await Promise.all([freePort(), freePort(), freePort()])
  api = `http://127.0.0.1:${apiPort}`
  const common = { etcd: etcd.url, 'state-dir': stateDir, networks: `${engine.address}/32` }
  registrar = startService('registrar', {
    ...common,
    id: 'box-1',
    docker: engine.url,
    engine: 'docker',
    address: engine.address,
    'registrar-admin': `127.0.0.1:${admin}`,
    'drain-timeout': '5s',
  })
  launcher = startService('launcher', {
    ...common,
    id: 'launcher-1',
    'wake-listen': `127.0.0.1:${wake}`,
    'api-listen': `127.0.0.1:${apiPort}`,
  })
  await both()
})

/** Waits until the launcher answers and knows the registrar's host. */
async function both(): Promise<void> {
  for (let tries = 0; tries < 300; tries++) {
    const hosts = await ask('GET', '/v1/hosts').catch(() => null)
    if (hosts?.body?.hosts?.[0]?.alive) return
    await pause(100)
  }
  throw new Error(`not up:\n${launcher.output()}\n${registrar.output()}`)
}

afterAll(async () => {
  await launcher?.stop()
  await registrar?.stop()
  const engine = openEngine(labEngine().url)
  for (const { id } of await engine.list()) {
    await engine.stop(id, 0)
    await engine.remove(id)
  }
  await etcd?.stop()
})

async function ask(method: string, path: string, body?: object) {
  const answer = await fetch(api + path, {
    method,
    headers: {
      authorization: `Bearer ${token}`,
      ...(body && { 'content-type': 'application/json' }),
    },
    ...(body && { body: JSON.stringify(body) }),
  })
  const text = await answer.text()
  const isJson = answer.headers.get('content-type')?.includes('json') ?? false
  return { status: answer.status, text, body: isJson ? JSON.parse(text) : null }
}

const instances = async (app: string) =>
  (await ask('GET', `/v1/instances?app=${app}`)).body.instances

/** What is different after each start of the test app. */
async function bootOf(endpoint: string): Promise<string> {
  const answer = await request(`http://${endpoint}/`, { dispatcher: once })
  return ((await answer.body.json()) as { bootId: string }).bootId
}

const container = async (app: string): Promise<string> => (await instances(app))[0].container

describe('an app', () => {
  beforeAll(async () => {
    const app = { name: 'Shop', image, stopTimeout: 2, env: { NAME: 'the-shop' } }
    expect((await ask('POST', '/v1/apps', app)).status).toBe(201)
  })

  test('is woken, and shown as it is', async () => {
    const woken = await ask('POST', '/v1/apps/shop/wake')
    expect(woken.body).toMatchObject({ app: 'Shop', endpoint: expect.any(String) })
    expect(await bootOf(woken.body.endpoint)).toEqual(expect.any(String))
    expect(await instances('shop')).toMatchObject([
      { app: 'Shop', slot: 0, host: 'box-1', state: 'ready', endpoint: woken.body.endpoint },
    ])
    const { status } = (await ask('GET', '/v1/apps/shop')).body
    expect(status).toMatchObject({ state: 'ready', slots: [{ slot: 0 }] })
    expect((await ask('GET', '/v1/hosts')).body.hosts[0].instances).toBe(1)
  })

  test('goes to sleep: stopped, not removed, and out of the list of endpoints', async () => {
    const before = await container('shop')
    expect((await ask('POST', '/v1/apps/SHOP/sleep')).body).toEqual({
      app: 'Shop',
      asked: 1,
      state: 'asleep',
    })
    expect(await instances('shop')).toMatchObject([
      { state: 'sleeping', endpoint: null, container: before },
    ])
    expect((await ask('POST', '/v1/apps/shop/sleep')).body.asked).toBe(0)
  })

  test('is restarted, awake or asleep', async () => {
    for (let round = 0; round < 2; round++) {
      const { body } = await ask('POST', '/v1/apps/shop/restart')
      const first = await bootOf(body.endpoint)
      const again = await ask('POST', '/v1/apps/shop/restart')
      expect(again.status, again.text).toBe(200)
      expect(await bootOf(again.body.endpoint)).not.toBe(first)
      await ask('POST', '/v1/apps/shop/sleep')
    }
  })

  test('sleeps only once its open requests are done', async () => {
    const { body } = await ask('POST', '/v1/apps/shop/wake')
    const open = request(`http://${body.endpoint}/sleep/1500`, { dispatcher: once })
    await pause(300)
    const slept = ask('POST', '/v1/apps/shop/sleep')
    expect((await open).statusCode).toBe(200)
    expect((await slept).body.state).toBe('asleep')
  })

  test('is told of when its registrar hangs, and stays as it is', async () => {
    await ask('POST', '/v1/apps/shop/wake')
    registrar.kill('SIGSTOP')
    try {
      const answer = await ask('POST', '/v1/apps/shop/sleep')
      expect(answer.body).toMatchObject({
        status: 503,
        detail: 'the registrar of box-1 does not answer',
      })
    } finally {
      registrar.kill('SIGCONT')
    }
    expect((await ask('POST', '/v1/apps/shop/wake')).status).toBe(200)
  })

  test('is removed with its containers, and nothing else is', async () => {
    await ask('POST', '/v1/apps', { name: 'other', image })
    await ask('POST', '/v1/apps/other/wake')
    expect((await ask('DELETE', '/v1/apps/shop')).body).toEqual({
      name: 'Shop',
      containers: 1,
      unreachable: [],
    })
    expect(await instances('shop')).toEqual([])
    expect(await instances('other')).toMatchObject([{ state: 'ready' }])
    expect((await ask('POST', '/v1/apps/shop/wake')).status).toBe(404)
    expect((await ask('GET', '/v1/apps')).body.apps).toHaveLength(1)
    expect((await ask('DELETE', '/v1/apps/other')).body.containers).toBe(1)
  })
})

test('a log can be read and followed, until the instance stops and after', async () => {
  const program = `
    console.log('first line')
    setInterval(() => console.log('\\u001b[2J tick'), 100)
    require('node:http').createServer((_, answer) => answer.end('ok')).listen(8000)`
  const app = { name: 'talker', image, command: ['node', '-e', program], stopTimeout: 1 }
  await ask('POST', '/v1/apps', app)
  expect((await ask('GET', '/v1/apps/talker/logs')).status).toBe(404)
  expect((await ask('POST', '/v1/apps/talker/wake')).status).toBe(200)
  expect((await ask('GET', '/v1/apps/talker/logs?tail=10000')).text).toMatch(/^first line\n/)
  expect((await ask('GET', '/v1/apps/talker/logs?slot=7')).status).toBe(404)
  const answer = await fetch(`${api}/v1/apps/talker/logs?tail=0&follow=1`, {
    headers: { authorization: `Bearer ${token}` },
  })
  expect(answer.headers.get('content-type')).toBe('text/plain; charset=utf-8')
  const reader = answer.body?.getReader()
  const chunk = await reader?.read()
  expect(Buffer.from(chunk?.value ?? '').toString()).toContain('\u001b[2J tick\n')
  const slept = ask('POST', '/v1/apps/talker/sleep')
  for (let done = false; !done; ) done = (await reader?.read())?.done ?? true
  expect((await slept).body.state).toBe('asleep')
  expect((await ask('GET', '/v1/apps/talker/logs?tail=1')).text).toMatch(/tick\n$/)
  await ask('DELETE', '/v1/apps/talker')
})

describe('docs/api.md', () => {
  const text = readFileSync(new URL('../../../docs/api.md', import.meta.url), 'utf8')
  const blocks = [...text.matchAll(/^```sh\n(.*?)^```$/gms)].map((match) => match[1] ?? '')

  test('has examples that work, in their order', async () => {
    expect(blocks.length).toBeGreaterThan(10)
    const preamble = (blocks[0] ?? '')
      .replace('http://127.0.0.1:8091', api)
      .replace('/var/lib/reveille', stateDir)
    for (const block of blocks.slice(1)) {
      const script = `set -eu\n${preamble}\n${block.replaceAll('shop:1', image)}`
      const run = promisify(execFile)('timeout', ['20', 'bash', '-c', script])
      if (block.includes('call -N')) {
        // a stream for ever: it must only not be refused
        const early = await Promise.race([run.catch((error: Error) => error), pause(1500)])
        expect(early, block).toBeUndefined()
        run.child.kill('SIGTERM')
        await run.catch(() => {})
      } else await expect(run, block).resolves.toBeDefined()
    }
  })
})
