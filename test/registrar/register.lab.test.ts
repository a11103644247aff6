import { statfs } from 'node:fs/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { command } from '../lab/command.ts'
import { HEALTH_IMAGE, HELLO_IMAGE } from '../lab/image.ts'
import { House } from './house.ts'
import { eventually } from './process.ts'

let house: House
beforeAll(async () => {
  house = await House.open({ hostLabels: 'zone=a,disk=ssd' })
})
afterAll(() => house.close())

test('an app that started is registered, and etcdctl prints host:port and nothing else', async () => {
  const id = await house.run({ name: 'A', image: HELLO_IMAGE })
  const endpoint = await house.registered('A')
  const port = (await house.engine.inspect(id))?.published[8000]?.port
  expect(endpoint).toBe(`${house.address}:${port}`)
  const printed = await command(
    ...(['env', 'ETCDCTL_API=3', 'etcdctl', '--endpoints', house.etcd.url] as const),
    ...['get', '--print-value-only', '/services/clusters/A'],
  )
  expect(printed).toBe(`${endpoint}\n`)
  expect(await (await fetch(`http://${endpoint}/`)).text()).toBe('hello\n')
})

test('an app that dies is unregistered at once, and a new start is registered at its new port', async () => {
  const id = await house.run({ name: 'dies' })
  const before = await house.registered('dies')
  await house.docker.getContainer(id).kill()
  // sooner than by the next list
  await house.unregistered('dies', 0, 5_000)
  await house.engine.start(id)
  expect(await house.registered('dies')).not.toBe(before)
})

test('a second slot has a key of its own', async () => {
  await house.run({ name: 'two', replicas: 2 }, 0)
  await house.run({ name: 'two', replicas: 2 }, 1)
  expect(await house.registered('two', 1)).not.toBe(await house.registered('two', 0))
})

test('a container with nothing but the app label is registered', async () => {
  await house.runByHand({ Labels: { 'reveille.app': 'byhand' } })
  expect(await house.registered('byhand')).toMatch(/:\d+$/)
})

test('an app is registered only when it listens, and in a moment then', async () => {
  await house.run({ name: 'late', env: { START_DELAY_MS: '5000' } })
  await eventually(() => house.log.includes('"app":"late"'))
  expect(await house.endpoint('late')).toBeNull()
  const endpoint = await house.registered('late')
  expect((await fetch(`http://${endpoint}/`)).status).toBe(200)
})

test('an app that never listens is never registered', async () => {
  await house.run({ name: 'deaf', env: { NEVER_LISTEN: '1' } })
  await new Promise((resolve) => setTimeout(resolve, 1_500))
  expect(await house.endpoint('deaf')).toBeNull()
})

test('an HTTP path is asked until it answers well', async () => {
  const health = 'http:/health'
  await house.run({ name: 'http', health, env: { HEALTH_DELAY_MS: '1500' } })
  const endpoint = await house.registered('http')
  expect((await fetch(`http://${endpoint}/health`)).status).toBe(200)
})

test("the image's HEALTHCHECK decides where it has one", async () => {
  await house.run({ name: 'image', image: HEALTH_IMAGE, env: { HEALTH_DELAY_MS: '1500' } })
  const endpoint = await house.registered('image')
  expect((await fetch(`http://${endpoint}/health`)).status).toBe(200)
})

test('a command that is run inside decides', async () => {
  const health = 'command:["/bin/busybox","test","-e","/tmp/ready"]'
  const id = await house.run({ name: 'command', health })
  await eventually(() => house.log.includes('"app":"command"'))
  await new Promise((resolve) => setTimeout(resolve, 500))
  expect(await house.endpoint('command')).toBeNull()
  const signal = new AbortController().signal
  expect(await house.engine.exec(id, ['/bin/busybox', 'touch', '/tmp/ready'], signal)).toBe(0)
  await house.registered('command')
})

test('an app the engine calls unhealthy is unregistered, and registered when it is healthy again', async () => {
  const second = 1_000_000_000
  const id = await house.runByHand({
    Image: HELLO_IMAGE,
    Labels: { 'reveille.app': 'sick' },
    Healthcheck: {
      Test: ['CMD', '/bin/busybox', 'test', '!', '-e', '/sick'],
      ...{ Interval: second / 2, Timeout: second, Retries: 1, StartPeriod: 0 },
    },
  })
  await house.registered('sick')
  const signal = new AbortController().signal
  await house.engine.exec(id, ['/bin/busybox', 'touch', '/sick'], signal)
  await house.unregistered('sick')
  expect(await house.isRunning(id)).toBe(true)
  await house.engine.exec(id, ['/bin/busybox', 'rm', '/sick'], signal)
  await house.registered('sick')
})

test('a paused app is unregistered until it goes on', async () => {
  const id = await house.run({ name: 'paused', image: HELLO_IMAGE })
  await house.registered('paused')
  await house.docker.getContainer(id).pause()
  await house.unregistered('paused')
  await house.docker.getContainer(id).unpause()
  await house.registered('paused')
})

test('the host is recorded with its address, its engine, its images, its labels and its free disk', async () => {
  const entry = await house.store.get('/services/hosts/h1')
  const host = JSON.parse(entry?.value ?? '{}')
  expect(host).toMatchObject({ name: 'h1', address: house.address, publish: house.address })
  expect(host).toMatchObject({ engine: house.settings.docker, images: expect.any(Array) })
  expect(host.images).toContain(HELLO_IMAGE)
  expect(host.labels).toEqual({ zone: 'a', disk: 'ssd' })
  const { bavail, bsize } = await statfs((await house.docker.info()).DockerRootDir)
  expect(host.disk / (bavail * bsize)).toBeCloseTo(1, 1)
  expect(entry?.lease).not.toBe('0')
})
