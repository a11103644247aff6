import { expect, it } from 'vitest'
import { startsAtOnce } from '../../../launcher/wake/share.ts'

it('starts as many at once as a host has CPUs, two at least, and never more than is set', () => {
  expect(startsAtOnce({ cpus: 1 }, 8, 1)).toBe(2)
  expect(startsAtOnce({ cpus: 3.5 }, 8, 1)).toBe(4)
  expect(startsAtOnce({ cpus: 64 }, 8, 1)).toBe(8)
  expect(startsAtOnce({ cpus: 4 }, 1, 1)).toBe(1)
  expect(startsAtOnce({ cpus: 0 }, 8, 1)).toBe(8)
})

it('starts its part of them where there are more launchers, one at least, all where none is known yet', () => {
  expect(startsAtOnce({ cpus: 4 }, 8, 2)).toBe(2)
  expect(startsAtOnce({ cpus: 4 }, 8, 3)).toBe(2)
  expect(startsAtOnce({ cpus: 2 }, 8, 2)).toBe(1)
  expect(startsAtOnce({ cpus: 2 }, 8, 5)).toBe(1)
  expect(startsAtOnce({ cpus: 4 }, 8, 0)).toBe(4)
})
