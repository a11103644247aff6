import { expect, it } from 'vitest'
import { missingSlots, surplusSlots } from '../../../launcher/keep/replicas.ts'
import { App } from '../../../model/app.ts'

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

it('fills an app whose instances went with their host, if it is in use', () => {
  expect(missingSlots(app({ replicas: 2 }), running(), 1, true)).toEqual([0, 1])
  expect(missingSlots(app({ replicas: 2 }), running(), 51, true)).toEqual([])
  expect(missingSlots(app({ replicas: 2 }), running(), null, true)).toEqual([])
})

it('has too many slots from replicas on, the last of them first', () => {
  expect(surplusSlots(app({ replicas: 2 }), running(0, 1))).toEqual([])
  expect(surplusSlots(app({ replicas: 2 }), running(7, 0, 2, 12))).toEqual([12, 7, 2])
})
