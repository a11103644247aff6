import { request } from 'node:http'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { WebSocket } from 'ws'
import type { Claim } from '../../model/record.ts'
import { HELLO_IMAGE } from '../lab/image.ts'
import { House } from './house.ts'
import { eventually } from './process.ts'

let house: House
beforeAll(async () => {
  house = await House.open({ drainTimeout: '3s' })
})
afterAll(() => house.close())

const pause = (milliseconds: number): Promise<void> =>
  new Promise((resolve) => setTimeout(resolve, milliseconds))
const claimKey = (app: string): string => house.keys.claim(app, 0)
const gatewayKey = '/services/gateways/g1'
const since = (): string => new Date().toISOString()

function phaseOf(app: string): Promise<Claim['phase'] | null> {
  return house.store
    .get(claimKey(app))
    .then((entry) => (entry ? (JSON.parse(entry.value) as Claim).phase : null))
}

/** A gateway that has applied everything up to `applied`. */
function gateway(applied: string): Promise<string> {
  const record = { id: 'g1', applied, generation: 1, endpoints: 0, rejected: [] }
  return house.store.put(gatewayKey, JSON.stringify(record))
}

async function falls(app: string, id: string, patience = 25_000): Promise<void> {
  await eventually(async () => !(await house.isRunning(id)), patience)
  expect(await house.endpoint(app)).toBeNull()
  await eventually(async () => (await house.store.get(claimKey(app))) === null)
}

describe.concurrent('each by itself', () => {
  test('an app nobody uses sleeps after its idle time: unregistered first, then stopped, claim gone', async () => {
    const id = await house.run({ name: 'idle', idleAfter: 6 })
    await house.registered('idle')
    const history = house.history('idle')
    await falls('idle', id)
    history.stop()
    expect(history.values.at(-1)).toBeNull()
    await eventually(() => house.log.includes('unused for 6 s'))
  })

  test('an app sleeps again after it was woken', async () => {
    const id = await house.run({ name: 'again', idleAfter: 6, image: HELLO_IMAGE })
    await falls('again', id)
    await house.engine.start(id)
    await house.registered('again')
    await falls('again', id)
  })

  test('a slot below min never sleeps', async () => {
    const id = await house.run({ name: 'kept', idleAfter: 1, min: 1, image: HELLO_IMAGE })
    await house.registered('kept')
    await pause(3_500)
    expect(await house.isRunning(id)).toBe(true)
    expect(await house.endpoint('kept')).not.toBeNull()
  })

  test('a min that is given up lets the instance that runs sleep', async () => {
    const id = await house.run({ name: 'unkept', idleAfter: 300, min: 1, image: HELLO_IMAGE })
    await house.registered('unkept')
    const app = { name: 'Unkept', image: HELLO_IMAGE, min: 0, idleAfter: 1 }
    await house.store.put(house.keys.named('app', 'Unkept'), JSON.stringify(app))
    await falls('unkept', id)
  })

  test('reported use keeps an app awake, whatever the case of its name', async () => {
    const id = await house.run({ name: 'Used', idleAfter: 6, image: HELLO_IMAGE })
    await house.registered('Used')
    for (let round = 0; round < 9; round++) {
      await house.store.put('/services/activity/used', since())
      await pause(900)
    }
    expect(await house.isRunning(id)).toBe(true)
    await falls('Used', id)
  })

  test('an open WebSocket keeps an app awake for as long as it is open', async () => {
    const id = await house.run({ name: 'socket', idleAfter: 6 })
    const socket = new WebSocket(`ws://${await house.registered('socket')}/`)
    await new Promise((resolve) => socket.once('open', resolve))
    await pause(9_000)
    expect(await house.isRunning(id)).toBe(true)
    const echoed = new Promise((resolve) => socket.once('message', (data) => resolve(String(data))))
    socket.send('still here')
    expect(await echoed).toBe('still here')
    socket.close()
    await falls('socket', id)
  })

  test('a slow download is answered to its end before its app sleeps', async () => {
    const id = await house.run({ name: 'slow', idleAfter: 6 })
    const url = `http://${await house.registered('slow')}/slow-download?ms=250&count=40`
    const length = await new Promise<number>((resolve, reject) => {
      request(url, { agent: false }, (response) => {
        let received = 0
        response.on('data', (chunk: Buffer) => {
          received += chunk.length
        })
        response.on('end', () => resolve(received))
        response.on('error', reject)
      })
        .on('error', reject)
        .end()
    })
    expect(length).toBe(40 * 1024)
    await falls('slow', id)
  })

  test('a claim somebody else holds keeps an app awake', async () => {
    const wake: Claim = { owner: 'l1/y', action: 'wake', since: since() }
    await house.store.put(claimKey('claimed'), JSON.stringify(wake))
    const id = await house.run({ name: 'claimed', idleAfter: 1, image: HELLO_IMAGE })
    await house.registered('claimed')
    await pause(3_000)
    expect(await house.isRunning(id)).toBe(true)
    await house.store.remove(claimKey('claimed'))
    await falls('claimed', id)
  })
})

test('an app stops only when every gateway has let its route go', async () => {
  await gateway('1')
  const id = await house.run({ name: 'routed', idleAfter: 1, image: HELLO_IMAGE })
  await house.registered('routed')
  await house.unregistered('routed')
  await pause(1_000)
  expect(await house.isRunning(id)).toBe(true)
  expect(await phaseOf('routed')).toBe('draining')
  await gateway('999999999')
  await falls('routed', id, 10_000)
  await house.store.remove(gatewayKey)
})

test('a wake that takes a draining claim over gets the Endpoint back, and nothing is stopped', async () => {
  await gateway('1')
  const id = await house.run({ name: 'taken', idleAfter: 3, image: HELLO_IMAGE })
  const endpoint = await house.registered('taken')
  await house.unregistered('taken')
  const held = await eventually(() => house.store.get(claimKey('taken')))
  const wake: Claim = { owner: 'l1/x', action: 'wake', since: since() }
  const modRevision = held.modRevision
  expect(await house.store.replace(held.key, JSON.stringify(wake), { modRevision })).not.toBeNull()
  expect(await house.registered('taken', 0, 4_000)).toBe(endpoint)
  expect((await house.store.get(held.key))?.value).toContain('l1/x')
  await pause(500)
  expect(await house.isRunning(id)).toBe(true)
  await house.store.remove(held.key)
  await house.store.remove(gatewayKey)
})

test('a use that is reported while it drains keeps an app awake', async () => {
  await gateway('1')
  const id = await house.run({ name: 'late', idleAfter: 3, image: HELLO_IMAGE })
  await house.registered('late')
  await house.unregistered('late')
  await house.store.put('/services/activity/late', since())
  await house.registered('late', 0, 4_000)
  expect(await house.isRunning(id)).toBe(true)
  await house.store.remove(gatewayKey)
})

test('a sleep that is asked for happens at once, and waits for open requests only so long', async () => {
  const quick = await house.run({ name: 'asked', image: HELLO_IMAGE })
  const stuck = await house.run({ name: 'stuck', stopTimeout: 1 })
  await house.registered('asked')
  const socket = new WebSocket(`ws://${await house.registered('stuck')}/`)
  socket.on('error', () => {})
  await new Promise((resolve) => socket.once('open', resolve))
  const ask: Claim = { owner: 'l1/z', action: 'sleep', phase: 'requested', since: since() }
  const began = performance.now()
  for (const app of ['asked', 'stuck']) await house.store.put(claimKey(app), JSON.stringify(ask))
  await falls('asked', quick, 10_000)
  await falls('stuck', stuck, 10_000)
  expect(performance.now() - began).toBeGreaterThan(3_000)
})

test('a sleep that is asked for a container that does not run is done already', async () => {
  const id = await house.run({ name: 'gone', image: HELLO_IMAGE })
  await house.registered('gone')
  await house.engine.stop(id, 1)
  await house.unregistered('gone')
  const ask: Claim = { owner: 'l1/q', action: 'sleep', phase: 'requested', since: since() }
  await house.store.put(claimKey('gone'), JSON.stringify(ask))
  await eventually(async () => (await house.store.get(claimKey('gone'))) === null)
})

test('an app that ends by itself is not an error', async () => {
  await house.run({ name: 'done' })
  const endpoint = await house.registered('done')
  await fetch(`http://${endpoint}/exit/0`).catch(() => {})
  await house.unregistered('done')
  const lines = house.log.split('\n').filter((line) => line.includes('"app":"done"'))
  expect(lines.some((line) => line.includes('exited with code 0'))).toBe(true)
  expect(lines.every((line) => line.includes('"level":"info"'))).toBe(true)
})
