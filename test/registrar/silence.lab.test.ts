import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { labEngine } from '../lab/engine.ts'
import { temporaryFolder } from '../lab/folder.ts'
import { HELLO_IMAGE } from '../lab/image.ts'
import { type Relay, startRelay } from '../lab/relay.ts'
import { House } from './house.ts'
import { eventually } from './process.ts'

// The engine's stream of events dies without a word while all its other calls are answered.

/** Milliseconds within which routes must be right again. */
const LIMIT = 30_000
const NAMES = ['a', 'b', 'c', 'd', 'e']

// lists are 10 s apart, and it takes several of them
vi.setConfig({ testTimeout: 180_000 })

let relay: Relay
let house: House
beforeAll(async () => {
  relay = await startRelay(labEngine().url, `${await temporaryFolder()}/relay.sock`)
  house = await House.open({ docker: relay.url })
})
afterAll(async () => {
  await house.close()
  await relay.stop()
})

const run = (name: string): Promise<string> => house.run({ name, image: HELLO_IMAGE })

test('what starts and dies meanwhile is right within 30 s, and the stream is replaced', async () => {
  const { pid } = house
  const dying = await Promise.all(NAMES.map((name) => run(`dies-${name}`)))
  await Promise.all(NAMES.map((name) => house.registered(`dies-${name}`)))
  const streams = relay.asked('/events')
  relay.deafen()
  await Promise.all([
    ...dying.map((id) => house.docker.getContainer(id).kill()),
    ...NAMES.map((name) => run(`starts-${name}`)),
  ])
  await Promise.all([
    ...NAMES.map((name) => house.unregistered(`dies-${name}`, 0, LIMIT)),
    ...NAMES.map((name) => house.registered(`starts-${name}`, 0, LIMIT)),
  ])
  await eventually(() => relay.asked('/events') > streams, LIMIT)
  relay.heal()
  // the stream of that moment is deaf for ever: it is replaced when a list shows what it did not tell
  const deaf = relay.asked('/events')
  await run('after')
  await house.registered('after', 0, LIMIT)
  await eventually(() => relay.asked('/events') > deaf, LIMIT)
  const lists = relay.asked('/containers/json')
  await run('told')
  await house.registered('told')
  // by an event: no list that began after its start was needed
  expect(relay.asked('/containers/json')).toBeLessThanOrEqual(lists + 1)
  expect(house.pid).toBe(pid)
})

test('what starts between the list and the stream is told by the stream', async () => {
  const streams = relay.asked('/events')
  const before = relay.asked('/containers/json')
  relay.hold()
  relay.cut()
  await eventually(
    () => relay.asked('/events') > streams && relay.asked('/containers/json') > before,
  )
  const answered = (): boolean => /engine lost[^\n]*\n(?:.*\n)*.*engine is followed/.test(house.log)
  await eventually(answered)
  const lists = relay.asked('/containers/json')
  await run('between')
  relay.heal()
  await house.registered('between')
  expect(relay.asked('/containers/json')).toBe(lists)
})

test('after many forced drops it is followed as before', async () => {
  for (let drop = 0; drop < 20; drop++) {
    const streams = relay.asked('/events')
    relay.cut()
    await eventually(() => relay.asked('/events') > streams)
  }
  const id = await run('last')
  await house.registered('last')
  await house.docker.getContainer(id).kill()
  await house.unregistered('last')
})
