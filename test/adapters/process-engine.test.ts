import { existsSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Engine } from '../../adapters/docker.ts'
import { openEngine } from '../../adapters/docker-open.ts'
import { startProcessEngine } from '../../adapters/process-engine.ts'
import { App, type AppInput } from '../../model/app.ts'
import type { EngineEvent } from '../../model/container.ts'
import { writeLabels } from '../../model/label.ts'
import { temporaryFolder } from '../lab/folder.ts'
import { processTable } from '../lab/process-table.ts'

// What the registrar and the launcher do with an engine, done with this one, by the adapter they use.

const SERVER = `
  const server = require('node:http').createServer((request, response) => response.end(process.env.GREETING))
  server.listen(Number(process.env.PORT), process.env.HOST, () => { console.log('up'); console.error('loud') })
  process.on('SIGTERM', () => process.exit(Number(process.env.CODE ?? 0)))
`
const STUBBORN = `process.on('SIGTERM', () => {}); console.log('ready'); setInterval(() => {}, 1000)`
const images = {
  'test/server:1': { command: [process.execPath, '-e', SERVER] },
  'test/stubborn:latest': { command: [process.execPath, '-e', STUBBORN] },
  'test/missing:1': { command: ['no-such-program'] },
}

let folder: string
let engine: Engine
let running: Awaited<ReturnType<typeof startProcessEngine>>
const signal = AbortSignal.timeout(60_000)

beforeAll(async () => {
  folder = await temporaryFolder()
  running = await startProcessEngine({
    socket: join(folder, 'engine.sock'),
    images,
    dir: join(folder, 'apps'),
  })
  engine = openEngine(running.url)
})

afterAll(() => running.close())

function create(name: string, image: string, more: Partial<AppInput> = {}): Promise<string> {
  const app = App.parse({ name, image, ...more })
  const labels = writeLabels({
    app: name,
    slot: 0,
    port: app.port,
    health: app.health,
    idleAfter: 300,
    stopTimeout: 10,
    min: 0,
    revision: '',
  })
  return engine.create({ name: `reveille-${name}-0`, app, labels, publish: '127.0.0.1' })
}

async function fetchText(id: string): Promise<string> {
  const endpoint = (await engine.inspect(id))?.published['8000']
  for (let attempt = 0; attempt < 200; attempt++)
    try {
      const answer = await fetch(`http://${endpoint?.host}:${endpoint?.port}/`)
      return await answer.text()
    } catch {
      await delay(25)
    }
  throw new Error(`nothing answers at ${JSON.stringify(endpoint)}`)
}

async function isAlive(pid: number): Promise<boolean> {
  return (await processTable()).some((row) => row.pid === pid && !row.zombie)
}

test('only this user may connect to its socket', () => {
  expect(statSync(join(folder, 'engine.sock')).mode & 0o777).toBe(0o600)
})

test('it tells what it is and has, with the loopback as its bridge', async () => {
  await engine.ping()
  const info = await engine.info()
  expect(info.bridge).toBe('127.0.0.1')
  expect(info.images).toEqual(Object.keys(images))
  expect(info.cpus).toBeGreaterThan(0)
  expect(Math.abs(Number(info.time / 1_000_000n) - Date.now())).toBeLessThan(60_000)
})

test('it has its images and no other, and no registry to get one from', async () => {
  expect(await engine.hasImage('test/server:1')).toBe(true)
  expect(await engine.hasImage('test/stubborn')).toBe(true)
  expect(await engine.hasImage('test/other:1')).toBe(false)
  expect(await engine.healthcheck('test/server:1')).toBeNull()
  const percents: number[] = []
  await engine.pull('test/server:1', (percent) => percents.push(percent), signal)
  expect(percents.at(-1)).toBe(100)
  await expect(engine.pull('test/other:1', () => {}, signal)).rejects.toMatchObject({
    code: 'no-image',
    message: expect.stringMatching(
      /^image test\/other:1 is not in the engine and could not be pulled: .* for trying things out: .*: test\/server:1, /,
    ),
  })
})

test('an app whose network is a sandbox runs without one: processes have no network of their own', async () => {
  const name = 'boxed'
  const app = App.parse({ name, image: 'test/server:1', env: { GREETING: 'hello' } })
  const labels = { 'reveille.app': name }
  const id = await engine.create({
    ...{ name: `reveille-${name}-0`, app, labels, publish: '127.0.0.1' },
    network: 'sandbox',
  })
  await engine.start(id)
  expect(await fetchText(id)).toBe('hello')
  expect(await engine.loneSandboxes()).toEqual([])
  await engine.stop(id, 1)
  await engine.remove(id)
  expect(await engine.inspect(id)).toBeNull()
})

test('a container lives, dies, lives again on another port, and goes, with an event for each', async () => {
  const seen: EngineEvent[] = []
  const stop = new AbortController()
  const watching = (async () => {
    for await (const event of engine.events(await engine.time(), stop.signal))
      if (event.labels['reveille.app'] === 'life') seen.push(event)
  })().catch(() => {})
  await delay(100)

  const id = await create('life', 'test/server:1', { env: { GREETING: 'good morning', CODE: '3' } })
  expect(await engine.inspect(id)).toMatchObject({
    name: 'reveille-life-0',
    state: 'created',
    published: {},
    pid: 0,
  })
  await engine.start(id)
  await engine.start(id) // runs already
  expect(await fetchText(id)).toBe('good morning')
  const first = await engine.inspect(id)
  expect(first).toMatchObject({ state: 'running', exitCode: 0, image: 'test/server:1' })
  const [listed] = (await engine.list()).filter((container) => container.id === id)
  expect(listed?.published).toEqual(first?.published)

  const ended = engine.wait(id, signal)
  await engine.stop(id, 10)
  expect(await ended).toBe(3)
  expect(await engine.inspect(id)).toMatchObject({ state: 'exited', exitCode: 3, published: {} })
  expect(await isAlive(first?.pid ?? 0)).toBe(false)
  await engine.stop(id, 10) // does not run already

  await engine.start(id)
  expect(await fetchText(id)).toBe('good morning')
  expect((await engine.inspect(id))?.published).not.toEqual(first?.published)
  await engine.stop(id, 10)
  await engine.remove(id)
  await engine.remove(id) // is gone already
  expect(await engine.inspect(id)).toBeNull()

  await expect.poll(() => seen.length).toBe(6)
  stop.abort()
  await watching
  expect(seen.map((event) => event.action)).toEqual([
    'create',
    'start',
    'die',
    'start',
    'die',
    'destroy',
  ])
  expect(seen[2]?.exitCode).toBe(3)
  expect(new Set(seen.map((event) => event.time)).size).toBe(seen.length)
})

test('events of the past are told to who asks for them', async () => {
  const since = await engine.time()
  const id = await create('past', 'test/server:1')
  const events = engine.events(since, signal)
  const { value } = await events.next()
  expect(value).toMatchObject({ action: 'create', id })
  await events.return(undefined)
})

test('an app that does not end by itself is killed when its time is up', async () => {
  const id = await create('stubborn', 'test/stubborn')
  await engine.start(id)
  const { value: line } = await engine.logs(id, { tail: 1, follow: true, signal }).next()
  expect(line).toBe('ready') // its handler is in place
  const pid = (await engine.inspect(id))?.pid ?? 0
  await engine.stop(id, 1)
  expect(await engine.inspect(id)).toMatchObject({ state: 'exited', exitCode: 137 })
  expect(await isAlive(pid)).toBe(false)
})

test('what an app started ends with it', async () => {
  const script = `const child = require('node:child_process').spawn('sleep', ['600']); console.log(child.pid)`
  const id = await create('parent', 'test/server:1', {
    command: [process.execPath, '-e', `${script}; setInterval(() => {}, 1000)`],
  })
  await engine.start(id)
  let child = ''
  for await (const line of engine.logs(id, { tail: 0, follow: true, signal })) {
    child = line
    break
  }
  expect(await isAlive(Number(child))).toBe(true)
  process.kill((await engine.inspect(id))?.pid ?? 0, 'SIGKILL')
  expect(await engine.wait(id, signal)).toBe(137)
  await expect.poll(() => isAlive(Number(child))).toBe(false)
})

test('names are unique', async () => {
  await create('twice', 'test/server:1')
  const tries = await Promise.allSettled([1, 2, 3].map(() => create('twice', 'test/server:1')))
  for (const one of tries) expect(one).toMatchObject({ reason: { code: 'name-taken' } })
})

test('an unknown image and a missing program are refused in words that say so', async () => {
  await expect(create('unknown', 'test/other:1')).rejects.toMatchObject({
    code: 'no-image',
    message: expect.stringContaining('No such image: test/other:1'),
  })
  const id = await create('missing', 'test/missing:1')
  await expect(engine.start(id)).rejects.toMatchObject({
    code: 'not-startable',
    message: expect.stringContaining('no-such-program'),
    exitCode: 127,
  })
})

test('a running container is not removed', async () => {
  const id = await create('busy', 'test/server:1')
  await engine.start(id)
  await expect(engine.remove(id)).rejects.toMatchObject({ code: 'conflict' })
  await engine.stop(id, 10)
})

describe('the output of a container', () => {
  test('is kept, the last lines of both streams', async () => {
    const id = await create('loud', 'test/server:1')
    await engine.start(id)
    await fetchText(id)
    await engine.stop(id, 10)
    const lines: string[] = []
    for await (const line of engine.logs(id, { tail: 10 })) lines.push(line)
    expect(lines.sort()).toEqual(['loud', 'up'])
    for await (const line of engine.logs(id, { tail: 1 })) expect(['loud', 'up']).toContain(line)
  })

  test('is followed until the container ends', async () => {
    const id = await create('count', 'test/server:1', {
      command: ['sh', '-c', 'for i in 1 2 3; do echo $i; sleep 0.1; done; printf half'],
    })
    await engine.start(id)
    const lines: string[] = []
    for await (const line of engine.logs(id, { tail: 100, follow: true, signal })) lines.push(line)
    expect(lines).toEqual(['1', '2', '3', 'half'])
  })
})

test('a command is run beside the app, with its environment', async () => {
  const id = await create('command', 'test/server:1', { env: { GREETING: 'hello' } })
  await engine.start(id)
  expect(await engine.exec(id, ['sh', '-c', 'test "$GREETING" = hello'], signal)).toBe(0)
  expect(await engine.exec(id, ['sh', '-c', 'echo text; exit 4'], signal)).toBe(4)
  expect(await engine.exec(id, ['no-such-program'], signal)).toBe(127)
  await engine.stop(id, 10)
  await expect(engine.exec(id, ['true'], signal)).rejects.toMatchObject({ code: 'conflict' })
})

test('an app gets its own variables and nothing of ours', async () => {
  process.env.REVEILLE_TEST_SECRET = 'secret'
  const id = await create('plain', 'test/server:1', { command: ['env'], env: { MINE: '1' } })
  await engine.start(id)
  await engine.wait(id, signal)
  const lines: string[] = []
  for await (const line of engine.logs(id, { tail: 100 })) lines.push(line)
  const names = lines.map((line) => line.split('=')[0])
  expect(names.sort()).toEqual(['HOME', 'HOST', 'HOSTNAME', 'MINE', 'PATH', 'PORT'])
})

test('closing it ends its processes and removes what it made', async () => {
  const other = await startProcessEngine({
    socket: join(folder, 'other.sock'),
    images,
    dir: join(folder, 'other'),
  })
  const mine = openEngine(other.url)
  const app = App.parse({ name: 'last', image: 'test/server:1' })
  const id = await mine.create({
    name: 'reveille-last-0',
    app,
    labels: { 'reveille.app': 'last' },
    publish: '127.0.0.1',
  })
  await mine.start(id)
  const pid = (await mine.inspect(id))?.pid ?? 0
  expect(await isAlive(pid)).toBe(true)
  await other.close()
  expect(await isAlive(pid)).toBe(false)
  expect(existsSync(join(folder, 'other'))).toBe(false)
  expect(existsSync(join(folder, 'other.sock'))).toBe(false)
})
