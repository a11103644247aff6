import { expect, it } from 'vitest'
import { Catalog } from '../../launcher/catalog.ts'
import { Keeper, missingSlots } from '../../launcher/keep.ts'
import { App } from '../../model/app.ts'
import { Keys } from '../../model/key.ts'
import { State } from '../../model/state.ts'

const app = (more: object) => App.parse({ name: 'shop', image: 'shop:1', idleAfter: 100, ...more })
const running = (...slots: number[]) => new Set(slots)

it('misses slots below min whether or not anybody uses the app', () => {
  expect(missingSlots(app({ min: 2, replicas: 3 }), running(), null)).toEqual([0, 1])
  expect(missingSlots(app({ min: 2, replicas: 3 }), running(0, 1), null)).toEqual([])
})

it('misses the other replicas while the app is in use', () => {
  expect(missingSlots(app({ replicas: 3 }), running(0), 10)).toEqual([1, 2])
  expect(missingSlots(app({ replicas: 3 }), running(0), 50)).toEqual([1, 2])
  expect(missingSlots(app({ replicas: 3 }), running(0), 51)).toEqual([])
  expect(missingSlots(app({ replicas: 3 }), running(0), null)).toEqual([])
})

it('wakes no app that sleeps', () => {
  expect(missingSlots(app({ replicas: 3 }), running(), 1)).toEqual([])
})

it('tries a slot that cannot be filled once a tick, though each try changes the app; and no app starves another', async () => {
  const keys = new Keys()
  const catalog = new Catalog(new State(keys, { networks: [], denied: new Set() }), keys)
  const stamp = { modRevision: '1', createRevision: '1', lease: '0' }
  const put = (key: string, value: string) =>
    catalog.apply([{ type: 'put', entry: { key, value, ...stamp } }], '1')
  const add = (given: App) => put(keys.named('app', given.name), JSON.stringify(given))
  const filled: string[] = []
  const keeper = new Keeper({
    catalog,
    fill: async (given, slot) => {
      filled.push(`${given.name}/${slot}`)
      if (given.name === 'stuck') return new Promise(() => {})
      // What a start does that fails: its claim comes and goes.
      const key = keys.claim(given.name, slot)
      await Promise.resolve()
      setImmediate(() => catalog.apply([{ type: 'delete', key, seen: true }], '2'))
      return false
    },
  })
  keeper.start()
  add(app({ name: 'stuck', min: 10, replicas: 10 }))
  add(app({ name: 'big', min: 1 }))
  await new Promise((resolve) => setTimeout(resolve, 300))
  keeper.stop()
  expect(filled.filter((slot) => slot === 'big/0')).toHaveLength(1)
  expect(filled.filter((slot) => slot.startsWith('stuck/'))).toHaveLength(4)
})
