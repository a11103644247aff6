import { setTimeout as pause } from 'node:timers/promises'
import type Docker from 'dockerode'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
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
  // sooner than by the next list
  await house.unregistered(name, 0, 5_000)
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

describe('with room for one sandbox of what sleeps', () => {
  let small: House
  beforeAll(async () => {
    small = await House.open({ sandboxes: '1' })
  })
  afterAll(() => small.close())

  const isOpen = async (app: string): Promise<boolean> =>
    (await small.docker.getContainer(`test-${app}-0.sandbox`).inspect()).State.Running

  test('the longest unused gives its address back, and nothing else of it: neither what runs nor who was used last', async () => {
    const ids = new Map<string, string>()
    for (const name of ['old', 'new', 'busy', 'kept']) {
      const min = name === 'kept' ? 1 : 0
      ids.set(name, await small.run({ name, min, idleAfter: 3600 }, 0, 'a1', 'sandbox'))
      await small.registered(name)
    }
    const stop = (name: string) => small.engine.stop(ids.get(name) ?? '', 1)
    await stop('kept')
    await stop('old')
    await small.unregistered('old')
    await stop('new')
    await eventually(async () => !(await isOpen('old')))
    expect(await Promise.all(['new', 'busy', 'kept'].map(isOpen))).toEqual([true, true, true])
    await eventually(async () => (await small.store.get(small.keys.claim('old', 0))) === null)
    // What was folded is as it was, and starts again; then another one is the longest unused.
    await small.engine.start(ids.get('old') ?? '')
    await small.registered('old')
    await stop('old')
    await eventually(async () => !(await isOpen('new')))
    expect(await isOpen('old')).toBe(true)
  })

  test('a claim keeps a sandbox: who wakes it is not raced', async () => {
    const claim = {
      owner: 'l1/x',
      action: 'wake',
      phase: 'starting',
      since: new Date().toISOString(),
    }
    const id = await small.run({ name: 'waking', idleAfter: 3600 }, 0, 'a1', 'sandbox')
    await small.registered('waking')
    await small.store.put(small.keys.claim('waking', 0), JSON.stringify(claim))
    await small.engine.stop(id, 1)
    await small.unregistered('waking')
    await pause(3_000)
    expect(await isOpen('waking')).toBe(true)
    await small.store.remove(small.keys.claim('waking', 0))
  })

  test('what somebody has paused by hand is not folded, and not tried again and again', async () => {
    const id = await small.run({ name: 'frozen', idleAfter: 3600 }, 0, 'a1', 'sandbox')
    await small.registered('frozen')
    await small.docker.getContainer(id).pause()
    await small.unregistered('frozen')
    const later = await small.run({ name: 'later', idleAfter: 3600 }, 0, 'a1', 'sandbox')
    await small.registered('later')
    await small.engine.stop(later, 1)
    await small.unregistered('later')
    const claims = new Set<string>()
    for (let i = 0; i < 120; i += 1) {
      const claim = await small.store.get(small.keys.claim('frozen', 0))
      if (claim) claims.add(claim.value)
      await pause(100)
    }
    await small.docker.getContainer(id).unpause()
    expect(claims.size).toBeLessThan(2)
    expect(await isOpen('frozen')).toBe(true)
  })

  test('what slept before the registrar began counts too', async () => {
    await small.kill()
    for (const name of ['before1', 'before2', 'before3']) {
      const id = await small.run({ name, idleAfter: 3600 }, 0, 'a1', 'sandbox')
      await small.engine.stop(id, 1)
    }
    await small.start()
    const open = async (): Promise<number> => {
      const names = ['old', 'new', 'waking', 'before1', 'before2', 'before3']
      return (await Promise.all(names.map(isOpen))).filter(Boolean).length
    }
    await eventually(async () => (await open()) === 1, 15_000)
    expect(await isOpen('kept')).toBe(true)
  })
})
