import { expect, test } from 'vitest'
import { isIdle, nextLook } from '../../registrar/idleness.ts'

test('an instance is looked at when it would be idle', () => {
  expect(nextLook({ last: 1_000, isOpen: false }, 300_000)).toBe(301_000)
})

test('one with open connections is looked at more often', () => {
  expect(nextLook({ last: 1_000, isOpen: true }, 300_000)).toBe(16_000)
  expect(nextLook({ last: 1_000, isOpen: true }, 2_000)).toBe(3_000)
})

test('it is idle after its idle time without use, and never while a connection is open', () => {
  expect(isIdle({ last: 1_000, isOpen: false }, 5_000, 6_000)).toBe(true)
  expect(isIdle({ last: 1_000, isOpen: false }, 5_000, 5_999)).toBe(false)
  expect(isIdle({ last: 1_000, isOpen: true }, 5_000, 60_000)).toBe(false)
})
