import { readFile } from 'node:fs/promises'
import type { RequestListener } from 'node:http'
import Docker from 'dockerode'
import { afterAll, expect, test } from 'vitest'
import { openEngine } from '../../adapters/docker-open.ts'
import { App, type AppInput } from '../../model/app.ts'
import type { EngineEvent } from '../../model/container.ts'
import { labEngine } from '../lab/engine.ts'
import { APP_IMAGE, HEALTH_IMAGE, HELLO_IMAGE } from '../lab/image.ts'
import { labLeftovers } from '../lab/leftovers.ts'
import { pretendEngine } from './pretended-engine.ts'

const { url, address } = labEngine()
const engine = openEngine(url)
const docker = new Docker({ socketPath: url.slice('unix://'.length) })
const never = new AbortController().signal
const made: string[] = []
const leftovers = labLeftovers()

afterAll(async () => {
  for (const id of made)
    await docker
      .getContainer(id)
      .remove({ force: true })
      .catch(() => {})
})

async function create(input: Omit<AppInput, 'name'>, name: string): Promise<string> {
  const app = App.parse({ name: 'E', ...input })
  const labels = { 'reveille.app': 'E' }
  const id = await engine.create({ name: `test-engine-${name}`, app, labels, publish: address })
  made.push(id)
  return id
}

const pretend = async (answer: RequestListener): Promise<string> =>
  (await pretendEngine(leftovers, answer)).url

test('the engine tells its size, its bridge, its images and its time', async () => {
  await engine.ping()
  const info = await engine.info()
  expect(info).toMatchObject({ bridge: '172.20.0.1', cpus: expect.any(Number) })
  expect(info.memory).toBeGreaterThan(0)
  expect(info.images).toContain(HELLO_IMAGE)
  expect(Math.abs(Number(info.time / 1_000_000n) - Date.now())).toBeLessThan(10_000)
  expect((await engine.time()) >= info.time).toBe(true)
})

test('an app is created as limited as it says, started, stopped and removed, each twice', async () => {
  const limits = { memory: '64m', cpus: 0.5, pids: 64 }
  const id = await create({ image: APP_IMAGE, limits, env: { NAME: 'E' } }, 'life')
  expect((await engine.inspect(id))?.state).toBe('created')
  await engine.start(id)
  await engine.start(id)
  const running = await engine.inspect('test-engine-life')
  expect(running).toMatchObject({ id, state: 'running', health: 'none', image: APP_IMAGE })
  expect(running?.pid).toBeGreaterThan(0)
  expect(running?.published).toEqual({ 8000: { host: address, port: expect.any(Number) } })
  const { HostConfig } = await docker.getContainer(id).inspect()
  expect(HostConfig).toMatchObject({ Privileged: false, Binds: null, CapAdd: null })
  expect(HostConfig).toMatchObject({ Memory: 64 * 1024 ** 2, NanoCpus: 5e8, PidsLimit: 64 })
  expect(HostConfig.NetworkMode).toBe('default')
  const [listed] = (await engine.list()).filter((container) => container.id === id)
  expect(listed).toEqual({ ...running, pid: 0 })
  const ended = engine.wait(id, never)
  await engine.stop(id, 5)
  await engine.stop(id, 5)
  // 143: told to end before it listened for that
  expect([0, 143]).toContain(await ended)
  expect(await engine.inspect(id)).toMatchObject({ state: 'exited', published: {}, pid: 0 })
  await engine.remove(id)
  await engine.remove(id)
  expect(await engine.inspect(id)).toBeNull()
})

test('an app can neither forge packets nor make devices nor write the audit log', async () => {
  const id = await create({ image: APP_IMAGE }, 'capabilities')
  await engine.start(id)
  const pid = (await engine.inspect(id))?.pid
  const status = await readFile(`/proc/${pid}/status`, 'utf8')
  const bounding = BigInt(`0x${/^CapBnd:\s+([0-9a-f]+)$/m.exec(status)?.[1]}`)
  const has = (capability: number) => ((bounding >> BigInt(capability)) & 1n) === 1n
  // linux/capability.h: NET_RAW, MKNOD, AUDIT_WRITE; CHOWN, SETUID, NET_BIND_SERVICE
  expect([13, 27, 29].map(has)).toEqual([false, false, false])
  expect([0, 7, 10].map(has)).toEqual([true, true, true])
})

test('what is asked to be created is in the body of the request, its name alone in the URL', async () => {
  let asked = { url: '', body: '' }
  const pretended = await pretend((request, response) => {
    asked = { url: request.url ?? '', body: '' }
    request.on('data', (chunk: Buffer) => {
      asked.body += chunk.toString()
    })
    request.on('end', () => {
      response.writeHead(201, { 'content-type': 'application/json' }).end('{"Id":"made"}')
    })
  })
  const app = App.parse({ name: 'E', image: 'shop:1', env: { PASSWORD: 'secret' } })
  const request = { name: 'reveille-e-0', app, labels: { 'reveille.app': 'E' }, publish: address }
  expect(await openEngine(pretended).create(request)).toBe('made')
  expect(asked.url).toBe('/containers/create?name=reveille-e-0')
  expect(JSON.parse(asked.body)).toMatchObject({
    ...{ Image: 'shop:1', Env: ['PORT=8000', 'PASSWORD=secret'], Labels: { 'reveille.app': 'E' } },
  })
})

test('refusals have a code and the words of the engine', async () => {
  await expect(create({ image: 'reveille-test/none:1' }, 'none')).rejects.toMatchObject({
    ...{ code: 'no-image', message: expect.stringContaining('No such image') },
  })
  await create({ image: HELLO_IMAGE }, 'twin')
  await expect(create({ image: HELLO_IMAGE }, 'twin')).rejects.toMatchObject({
    ...{ code: 'name-taken', message: expect.stringContaining('already in use') },
  })
  const Labels = { 'reveille.app': 'E' }
  const broken = await docker.createContainer({ Image: HELLO_IMAGE, Cmd: ['/nope'], Labels })
  made.push(broken.id)
  await expect(engine.start(broken.id)).rejects.toMatchObject({
    ...{ code: 'not-startable', exitCode: 127, message: expect.stringContaining('/nope') },
  })
  await expect(engine.start('0'.repeat(64))).rejects.toMatchObject({ code: 'not-found' })
})

test('with an init, which ours have, a program that is missing is an exit code and a log line', async () => {
  const id = await create({ image: HELLO_IMAGE, command: ['/nope'] }, 'missing')
  await engine.start(id)
  expect(await engine.wait(id, never)).toBe(127)
  const lines = []
  for await (const line of engine.logs(id, { tail: 5 })) lines.push(line)
  expect(lines.join()).toContain('/nope')
})

test('a published port that is taken is said to be taken', async () => {
  const bindings = (port: string) => ({ '8000/tcp': [{ HostIp: address, HostPort: port }] })
  const options = { Image: HELLO_IMAGE, Labels: { 'reveille.app': 'E' } }
  const ids = await Promise.all(
    [0, 1].map(async () => {
      const HostConfig = { PortBindings: bindings('24817') }
      const { id } = await docker.createContainer({ ...options, HostConfig })
      made.push(id)
      return id
    }),
  )
  await engine.start(ids[0] as string)
  await expect(engine.start(ids[1] as string)).rejects.toMatchObject({ code: 'port-taken' })
})

test('events come from a time on, with labels and exit codes, until they are no longer wanted', async () => {
  const since = await engine.time()
  const id = await create({ image: APP_IMAGE, env: { EXIT_CODE: '3' } }, 'events')
  await engine.start(id)
  expect(await engine.wait(id, never)).toBe(3)
  const stop = new AbortController()
  const seen: EngineEvent[] = []
  const read = async (): Promise<void> => {
    for await (const event of engine.events(since, stop.signal)) {
      if (event.id === id) seen.push(event)
      if (event.action === 'die' && event.id === id) stop.abort()
    }
  }
  await expect(read()).rejects.toMatchObject({ code: 'aborted' })
  expect(seen.map((event) => event.action)).toEqual(['create', 'start', 'die'])
  expect(seen.at(-1)).toMatchObject({ exitCode: 3, labels: { 'reveille.app': 'E' } })
  expect(seen.every((event) => event.time > since)).toBe(true)
})

test('commands run inside and tell their exit code; a HEALTHCHECK can be run like that', async () => {
  const id = await create({ image: HEALTH_IMAGE, env: { HEALTH_DELAY_MS: '0' } }, 'exec')
  await engine.start(id)
  expect(await engine.exec(id, ['/bin/busybox', 'sh', '-c', 'echo x; exit 7'], never)).toBe(7)
  const check = await engine.healthcheck(id)
  expect(check?.[0]).toBe('/bin/busybox')
  expect(await engine.healthcheck(HEALTH_IMAGE)).toEqual(check)
  expect(await engine.healthcheck(HELLO_IMAGE)).toBeNull()
  await expect(
    engine.exec(id, ['/bin/busybox', 'sleep', '60'], AbortSignal.timeout(300)),
  ).rejects.toMatchObject({ code: 'aborted' })
})

test('logs are lines, the last ones first asked for, and can be followed to the end', async () => {
  const script = 'for i in 1 2 3 4; do echo line $i; done; echo wrong >&2; sleep 1; echo end'
  const id = await create(
    { image: APP_IMAGE, command: ['/bin/busybox', 'sh', '-c', script] },
    'logs',
  )
  await engine.start(id)
  const followed = []
  for await (const line of engine.logs(id, { tail: 100, follow: true })) followed.push(line)
  expect(followed.filter((line) => line !== 'wrong')).toEqual([
    ...['line 1', 'line 2', 'line 3', 'line 4', 'end'],
  ])
  expect(followed).toContain('wrong')
  const last = []
  for await (const line of engine.logs(id, { tail: 1 })) last.push(line)
  expect(last).toEqual(['end'])
})

test('images are found, and a pull from nowhere fails with words', async () => {
  expect(await engine.hasImage(HELLO_IMAGE)).toBe(true)
  expect(await engine.hasImage('reveille-test/none:1')).toBe(false)
  const pull = engine.pull('127.0.0.1:1/none:1', () => {}, never)
  await expect(pull).rejects.toMatchObject({ code: 'registry' })
})

test('a pull reports growing numbers to 100, and a failure in its middle', async () => {
  const events = (last: object) => [
    ...[{ id: 'a', status: 'Downloading', progressDetail: { current: 1, total: 2 } }, last],
  ]
  const serve = (lines: object[]) =>
    pretend((_, response) => {
      for (const line of lines) response.write(`${JSON.stringify(line)}\r\n`)
      response.end()
    })
  const seen: number[] = []
  const good = openEngine(await serve(events({ id: 'a', status: 'Pull complete' })))
  await good.pull('shop', (percent) => seen.push(percent), never)
  expect(seen).toEqual([35, 99, 100])
  const bad = openEngine(await serve(events({ error: 'no space left on device' })))
  await expect(bad.pull('shop', () => {}, never)).rejects.toMatchObject({ code: 'no-space' })
})

test('to give up a pull ends its connection', async () => {
  let isClosed = false
  const silent = openEngine(
    await pretend((request, response) => {
      response.write('{"status":"Pulling"}\r\n')
      request.socket.once('close', () => {
        isClosed = true
      })
    }),
  )
  const pull = silent.pull('shop', () => {}, AbortSignal.timeout(100))
  await expect(pull).rejects.toMatchObject({ code: 'aborted' })
  await expect.poll(() => isClosed).toBe(true)
})

test('an engine that is not there, or does not answer, is unreachable in bounded time', async () => {
  await expect(openEngine('unix:///nowhere.sock').ping()).rejects.toMatchObject({
    code: 'unreachable',
  })
  const hung = openEngine(await pretend(() => {}))
  await expect(hung.ping()).rejects.toMatchObject({
    ...{ code: 'unreachable', message: expect.stringContaining('did not answer within') },
  })
})

test('an address that is none is refused, and DOCKER_HOST has no say', async () => {
  for (const wrong of ['http://x', 'unix://', 'tcp://host', 'ssh://host:22'])
    expect(() => openEngine(wrong)).toThrow('neither')
  process.env.DOCKER_HOST = 'tcp://127.0.0.1:1'
  try {
    await openEngine(url).ping()
  } finally {
    delete process.env.DOCKER_HOST
  }
})
