import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Claim, Host } from '../../model/record.ts'
import { HELLO_IMAGE } from '../lab/image.ts'
import { House } from './house.ts'
import { eventually } from './process.ts'

let house: House
beforeAll(async () => {
  house = await House.open({ drainTimeout: '3s' })
})
afterAll(() => house.close())

const since = (): string => new Date().toISOString()

async function stateOf(id: string): Promise<string> {
  const found = await house.docker
    .getContainer(id)
    .inspect()
    .catch(() => null)
  return found?.State.Status ?? 'gone'
}
const becomes = (id: string, state: string, patience = 25_000): Promise<boolean> =>
  eventually(async () => (await stateOf(id)) === state, patience)
const released = (app: string): Promise<boolean> =>
  eventually(async () => (await house.store.get(house.keys.claim(app, 0))) === null)

async function paused(): Promise<readonly string[]> {
  const entry = await house.store.get(house.keys.named('host', 'h1'))
  return entry ? ((JSON.parse(entry.value) as Host).paused ?? []) : []
}

async function request(app: string, firm: boolean): Promise<void> {
  const claim: Claim = { owner: 'l1/z', action: 'sleep', phase: 'requested', since: since(), firm }
  await house.store.put(house.keys.claim(app, 0), JSON.stringify(claim))
}

describe.concurrent('each by itself', () => {
  test('an app that sleeps by pause keeps its place, and is back where it was as it goes on', async () => {
    const id = await house.run({ name: 'nap', idleAfter: 6, sleep: 'pause' })
    const endpoint = await house.registered('nap')
    await becomes(id, 'paused')
    expect(await house.endpoint('nap')).toBeNull()
    await released('nap')
    await eventually(async () => (await paused()).includes('nap/0'))
    await house.engine.unpause(id)
    expect(await house.registered('nap')).toBe(endpoint)
    await eventually(async () => !(await paused()).includes('nap/0'))
    await becomes(id, 'paused')
  })

  test('a paused app is stopped when that is due, and no route leads to it meanwhile', async () => {
    const sleep = 'pause,stop:10s'
    const id = await house.run({ name: 'steps', idleAfter: 6, sleep, stopTimeout: 5 })
    await house.registered('steps')
    await becomes(id, 'paused')
    await released('steps')
    const history = house.history('steps')
    await becomes(id, 'exited')
    history.stop()
    expect(history.values.filter((value) => value !== null)).toEqual([])
    await eventually(async () => !(await paused()).includes('steps/0'))
    await released('steps')
  })

  test('a container is removed where that is how it sleeps, one made by hand is only stopped', async () => {
    const more = { idleAfter: 1, image: HELLO_IMAGE, sleep: 'stop,remove:3s' }
    const made = await house.run({ name: 'gone', ...more }, 0, 'ab')
    const byHand = await house.run({ name: 'kept', ...more })
    await becomes(byHand, 'exited')
    await becomes(made, 'gone')
    await released('gone')
    expect(await stateOf(byHand)).toBe('exited')
  })

  test('what was paused by hand is not removed, though that is how it sleeps', async () => {
    const more = { idleAfter: 8, image: HELLO_IMAGE, sleep: 'remove' }
    const id = await house.run({ name: 'held', ...more }, 0, 'ab')
    await house.registered('held')
    await house.docker.getContainer(id).pause()
    await house.unregistered('held')
    await new Promise((resolve) => setTimeout(resolve, 11_000))
    expect(await stateOf(id)).toBe('paused')
    await house.docker.getContainer(id).unpause()
  })

  test('a firm request ends a paused one in order, any other one too', async () => {
    for (const firm of [true, false]) {
      const app = firm ? 'firm' : 'soft'
      const id = await house.run({ name: app, idleAfter: 1, sleep: 'pause', stopTimeout: 5 })
      await becomes(id, 'paused')
      await released(app)
      const history = house.history(app)
      await request(app, firm)
      await becomes(id, 'exited')
      await released(app)
      history.stop()
      // it could end by itself, though it was frozen when it was told to
      expect((await house.docker.getContainer(id).inspect()).State.ExitCode).not.toBe(137)
      expect(history.values.filter((value) => value !== null)).toEqual([])
    }
  })

  test('a request pauses what sleeps so, unless it is firm', async () => {
    for (const firm of [true, false]) {
      const app = firm ? 'ended' : 'paused'
      const id = await house.run({ name: app, image: HELLO_IMAGE, sleep: 'pause' })
      await house.registered(app)
      await request(app, firm)
      await becomes(id, firm ? 'exited' : 'paused')
      await released(app)
    }
  })

  test('a slot below min is neither paused nor stopped', async () => {
    const more = { idleAfter: 1, min: 1, image: HELLO_IMAGE, sleep: 'pause,stop:2s' }
    const id = await house.run({ name: 'awake', ...more })
    await house.registered('awake')
    await new Promise((resolve) => setTimeout(resolve, 4_000))
    expect(await stateOf(id)).toBe('running')
  })

  test('an App that says so later pauses nothing that was not made for it', async () => {
    const id = await house.run({ name: 'older', idleAfter: 300, image: HELLO_IMAGE })
    await house.registered('older')
    const app = { name: 'older', image: HELLO_IMAGE, idleAfter: 1, sleep: 'pause' }
    await house.store.put(house.keys.named('app', 'older'), JSON.stringify(app))
    await becomes(id, 'exited')
  })
})

test('a registrar that was killed keeps the room of what is paused, and stops it when that is due', async () => {
  const more = { idleAfter: 1, image: HELLO_IMAGE, sleep: 'pause,stop:5s' }
  const id = await house.run({ name: 'over', ...more })
  await becomes(id, 'paused')
  await house.kill()
  await house.start()
  await eventually(async () => (await paused()).includes('over/0'))
  expect(await stateOf(id)).toBe('paused')
  await becomes(id, 'exited')
})
