import { expect, it } from 'vitest'
import { spareSlot } from '../../../launcher/roll/roll.ts'
import type { Found } from '../../../launcher/roll/slots.ts'

const found = (...slots: number[]): Found[] => slots.map((slot) => ({ spec: { slot } }) as Found)

it('takes the first slot above the replicas that neither a container nor an Endpoint has', () => {
  expect(spareSlot(1, [], [])).toBe(1)
  expect(spareSlot(2, found(0, 1), [0, 1])).toBe(2)
  expect(spareSlot(2, found(0, 2), [0, 3])).toBe(4)
  const all = Array.from({ length: 100 }, (_, slot) => slot)
  expect(spareSlot(2, found(...all), [])).toBeNull()
  expect(spareSlot(2, found(...all.slice(0, 99)), [])).toBe(99)
})
