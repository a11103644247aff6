import { afterAll, beforeAll, expect, test } from 'vitest'
import { HELLO_IMAGE } from '../lab/image.ts'
import { engineProcess, restartEngine } from './engine-process.ts'
import { House } from './house.ts'
import { eventually } from './process.ts'

let house: House
beforeAll(async () => {
  house = await House.open()
})
afterAll(() => house.close())

const leaseOf = async (app: string): Promise<string | undefined> =>
  (await house.store.get(house.keys.endpoint(app, 0)))?.lease

test('a revoked lease and a deleted key come back', async () => {
  await house.run({ name: 'stays', image: HELLO_IMAGE })
  const endpoint = await house.registered('stays')
  const lease = (await leaseOf('stays')) as string
  await house.store.revoke(lease)
  await eventually(async () => ![undefined, lease].includes(await leaseOf('stays')))
  expect(await house.endpoint('stays')).toBe(endpoint)
  await eventually(async () => (await house.store.get('/services/hosts/h1'))?.lease !== lease)
  await house.store.remove(house.keys.endpoint('stays', 0))
  expect(await house.registered('stays')).toBe(endpoint)
})

test('while etcd is away apps start, end and nothing sleeps; afterwards all is right', async () => {
  const leaves = await house.run({ name: 'leaves', image: HELLO_IMAGE, idleAfter: 30 })
  const idle = await house.run({ name: 'idle', image: HELLO_IMAGE, idleAfter: 2 })
  await Promise.all([house.registered('leaves'), house.registered('idle')])
  await house.etcd.down()
  await house.engine.stop(leaves, 1)
  const comes = house.run({ name: 'comes', image: HELLO_IMAGE })
  await new Promise((resolve) => setTimeout(resolve, 4_500))
  expect(await house.isRunning(idle)).toBe(true)
  await comes
  await house.etcd.up()
  await house.registered('comes')
  await house.unregistered('leaves')
  await eventually(async () => !(await house.isRunning(idle)))
})

test('an engine that hangs costs no registration; what happened meanwhile is seen when it goes on', async () => {
  const id = await house.run({ name: 'hung', image: HELLO_IMAGE })
  const endpoint = await house.registered('hung')
  const pid = await engineProcess()
  process.kill(pid, 'SIGSTOP')
  try {
    await eventually(() => house.log.includes('engine lost'))
    expect(await house.endpoint('hung')).toBe(endpoint)
  } finally {
    process.kill(pid, 'SIGCONT')
  }
  await eventually(() => /engine lost[\s\S]*engine is followed/.test(house.log))
  await house.engine.stop(id, 1)
  await house.unregistered('hung')
})

test('a restarted engine is followed again, and an app that died meanwhile is found by the list', async () => {
  const [dies, lives] = await Promise.all([
    house.run({ name: 'unlucky', image: HELLO_IMAGE }),
    house.run({ name: 'lucky', image: HELLO_IMAGE }),
  ])
  await house.registered('unlucky')
  const endpoint = await house.registered('lucky')
  const app = (await house.engine.inspect(dies))?.pid as number
  const engine = await engineProcess()
  process.kill(engine, 'SIGTERM')
  await eventually(() => !isAlive(engine))
  process.kill(app, 'SIGKILL')
  await restartEngine()
  await house.unregistered('unlucky')
  expect(await house.isRunning(lives)).toBe(true)
  expect(await house.endpoint('lucky')).toBe(endpoint)
  const fresh = await house.run({ name: 'after', image: HELLO_IMAGE })
  await house.registered('after')
  expect(await house.isRunning(fresh)).toBe(true)
})

test('sandboxes that ended with their machine are not started by the engine, and are by the next start of their app', async () => {
  const named = ['boxed', 'cut'].map((name) => house.run({ name }, 0, 'a1', 'sandbox'))
  const [asleep = '', awake = ''] = await Promise.all(named)
  await Promise.all([house.registered('boxed'), house.registered('cut')])
  await house.engine.stop(asleep, 1)
  await house.unregistered('boxed')
  const sandboxes = ['boxed', 'cut'].map((app) =>
    house.docker.getContainer(`test-${app}-0.sandbox`),
  )
  const states = async () =>
    (await Promise.all(sandboxes.map((one) => one.inspect()))).map(({ State }) => State)
  const pids = (await states()).map(({ Pid }) => Pid)
  const engine = await engineProcess()
  process.kill(engine, 'SIGTERM')
  await eventually(() => !isAlive(engine))
  for (const pid of pids) process.kill(pid, 'SIGKILL')
  await restartEngine()
  await house.unregistered('cut')
  await eventually(async () => !(await house.isRunning(awake)))
  expect((await states()).map(({ Running }) => Running)).toEqual([false, false])
  for (const [app, id] of [
    ['boxed', asleep],
    ['cut', awake],
  ] as const) {
    await house.engine.start(id)
    const endpoint = await house.registered(app)
    expect((await fetch(`http://${endpoint}/`)).status).toBe(200)
  }
})

test('what is paused outlives a restart of its engine, and goes on', async () => {
  const id = await house.run({ name: 'frozen', image: HELLO_IMAGE, idleAfter: 1, sleep: 'pause' })
  const endpoint = await house.registered('frozen')
  await house.unregistered('frozen')
  const isPaused = async (): Promise<boolean> =>
    (await house.engine.inspect(id))?.state === 'paused'
  await eventually(isPaused)
  const engine = await engineProcess()
  process.kill(engine, 'SIGTERM')
  await eventually(() => !isAlive(engine))
  await restartEngine()
  await eventually(() => isPaused().catch(() => false))
  await house.engine.unpause(id)
  expect(await house.registered('frozen')).toBe(endpoint)
})

test('a key that somebody else holds is left to them, and our copy is stopped and removed after a lease time', async () => {
  for (const name of ['doubled', 'handmade'])
    await house.store.put(house.keys.endpoint(name, 0), '10.9.9.9:8000')
  const id = await house.run({ name: 'doubled', image: HELLO_IMAGE }, 0, 'abc')
  const handmade = await house.run({ name: 'handmade', image: HELLO_IMAGE })
  await eventually(() => house.log.includes('held by somebody else'))
  expect(await house.isRunning(id)).toBe(true)
  await eventually(async () => (await house.engine.inspect(id)) === null)
  expect(await house.endpoint('doubled')).toBe('10.9.9.9:8000')
  await eventually(async () => !(await house.isRunning(handmade)))
  expect(await house.engine.inspect(handmade)).toMatchObject({ state: 'exited' })
})

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}
