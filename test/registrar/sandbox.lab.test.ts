import type Docker from 'dockerode'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { HEALTH_IMAGE } from '../lab/image.ts'
import { House } from './house.ts'
import { eventually } from './process.ts'

let house: House
beforeAll(async () => {
  house = await House.open()
})
afterAll(() => house.close())

const run = (name: string, more: object = {}): Promise<string> =>
  house.run({ name, ...more }, 0, 'a1', 'sandbox')
const sandbox = (app: string): Docker.Container =>
  house.docker.getContainer(`test-${app}-0.sandbox`)

test('an app in a sandbox is registered where the sandbox is published, at each start the same', async () => {
  const id = await run('shop')
  const endpoint = await house.registered('shop')
  const { Ports } = (await sandbox('shop').inspect()).NetworkSettings
  expect(endpoint).toBe(`${house.address}:${Ports['8000/tcp']?.[0]?.HostPort}`)
  expect((await fetch(`http://${endpoint}/`)).status).toBe(200)
  for (let round = 0; round < 2; round++) {
    await house.engine.stop(id, 1)
    await house.unregistered('shop')
    await house.engine.start(id)
    expect(await house.registered('shop')).toBe(endpoint)
  }
  expect(house.log).not.toContain('left alone')
})

test("the image's HEALTHCHECK decides in a sandbox too", async () => {
  await run('image', { image: HEALTH_IMAGE, env: { HEALTH_DELAY_MS: '1500' } })
  const endpoint = await house.registered('image')
  expect((await fetch(`http://${endpoint}/health`)).status).toBe(200)
})

test.each([
  ['is killed', (one: Docker.Container) => one.kill()],
  ['is started anew', (one: Docker.Container) => one.restart()],
  ['is removed', (one: Docker.Container) => one.remove({ force: true })],
])('where its sandbox %s an app is unregistered at once, and stopped', async (what, harm) => {
  const name = `cut-${what.split(' ').at(-1)}`
  const id = await run(name)
  await house.registered(name)
  await harm(sandbox(name))
  await house.unregistered(name, 0, 2_000)
  await eventually(async () => !(await house.isRunning(id)))
  if (what === 'is removed') return
  await house.engine.start(id)
  const endpoint = await house.registered(name)
  expect((await fetch(`http://${endpoint}/`)).status).toBe(200)
})

test('an app that was cut off while nobody looked is not taken over as ready', async () => {
  const id = await run('unseen')
  await house.registered('unseen')
  await house.kill()
  await sandbox('unseen').restart()
  await house.start()
  await house.unregistered('unseen')
  await eventually(async () => !(await house.isRunning(id)))
})
