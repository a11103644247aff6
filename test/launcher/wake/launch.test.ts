import { expect, it } from 'vitest'
import { startsAtOnce } from '../../../launcher/wake/launch.ts'

it('starts as many at once as a host has CPUs, two at least, and never more than is set', () => {
  expect(startsAtOnce({ cpus: 1 }, 8)).toBe(2)
  expect(startsAtOnce({ cpus: 3.5 }, 8)).toBe(4)
  expect(startsAtOnce({ cpus: 64 }, 8)).toBe(8)
  expect(startsAtOnce({ cpus: 4 }, 1)).toBe(1)
  expect(startsAtOnce({ cpus: 0 }, 8)).toBe(8)
})
