import { afterAll, beforeAll, expect, test } from 'vitest'
import { HELLO_IMAGE } from '../lab/image.ts'
import { House } from './house.ts'
import { eventually } from './process.ts'

let house: House
beforeAll(async () => {
  // long enough for a start of the registrar on a busy machine
  house = await House.open({ leaseTtl: '15s' })
})
afterAll(() => house.close())

const leaseOf = async (app: string): Promise<string | undefined> =>
  (await house.store.get(house.keys.endpoint(app, 0)))?.lease

test.each([
  ['killed', () => house.kill()],
  ['ended', () => house.end()],
])(
  'a registrar that was %s takes its keys over without a gap when it is started again',
  async (name, stop) => {
    const id = await house.run({ name: 'adopted', image: HELLO_IMAGE })
    const endpoint = await house.registered('adopted')
    const lease = await leaseOf('adopted')
    const history = house.history('adopted')
    await stop()
    await house.start()
    await eventually(async () => (await leaseOf('adopted')) !== lease)
    // past the end of the old lease
    await new Promise((resolve) => setTimeout(resolve, 4_000))
    history.stop()
    expect(new Set(history.values)).toEqual(new Set([endpoint]))
    await house.engine.stop(id, 1)
    await house.unregistered('adopted')
    await house.engine.remove(id)
  },
)

test('what changed while no registrar ran is put right: ended, started elsewhere, new', async () => {
  const [ended, moved] = await Promise.all([
    house.run({ name: 'ended', image: HELLO_IMAGE }),
    house.run({ name: 'moved', image: HELLO_IMAGE }),
  ])
  await house.registered('ended')
  const before = await house.registered('moved')
  await house.kill()
  await Promise.all([house.engine.stop(ended, 1), house.engine.stop(moved, 1)])
  await house.engine.start(moved)
  await house.run({ name: 'born', image: HELLO_IMAGE })
  await house.start()
  // its key is removed, and does not wait for its lease to end
  await house.unregistered('ended', 0, 4_000)
  await eventually(async () => ![null, before].includes(await house.endpoint('moved')))
  await house.registered('born')
})
