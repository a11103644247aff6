import { setImmediate as immediate } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { collect, Rest } from '../../adapters/room.ts'

const MIB = 1024 ** 2

/** What a service does that is at so many MiB at each look, and at `live` after a collection. */
function looks(used: number[], live: number): boolean[] {
  const rest = new Rest()
  rest.collected(live * MIB)
  return used.map((each) => {
    const isDue = rest.isDue(each * MIB)
    if (isDue) rest.collected(live * MIB)
    return isDue
  })
}

it('a burst is collected as soon as nothing more is added to it, and once', () => {
  expect(looks([40, 90, 130, 130, 30, 30.5], 30)).toEqual([false, false, false, true, false, false])
})

it('what little a quiet service leaves lies about', () => {
  expect(looks([30.5, 31, 31.5, 32, 41], 30)).toEqual([false, false, false, false, false])
})

it('where much is in use, more may lie about', () => {
  expect(looks([180, 180.5], 150)).toEqual([false, false])
  expect(looks([190, 190.5], 150)).toEqual([false, true])
})

it('a service that works is left to V8', () => {
  expect(looks([60, 80, 60, 80, 60], 30)).toEqual([false, false, false, false, false])
})

it('what V8 has collected is where the next burst begins', () => {
  expect(looks([20, 33, 33.5], 30)).toEqual([false, false, true])
})

it('what its start has left is collected', () => {
  const rest = new Rest()
  expect([50, 50.5].map((each) => rest.isDue(each * MIB))).toEqual([false, true])
})

it('what nobody holds is gone after a collection', async () => {
  const held = { some: 'thing' }
  const refs = [new WeakRef(held), new WeakRef({ some: 'garbage' })]
  // A reference is good until its own turn is over.
  await immediate()
  collect()
  expect(refs.map((ref) => ref.deref())).toEqual([held, undefined])
})
