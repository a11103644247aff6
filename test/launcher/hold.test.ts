import { expect, it } from 'vitest'
import { Holds } from '../../launcher/hold.ts'

it('holds so many requests of one app and so many in all', () => {
  const holds = new Holds({ perApp: 2, total: 3 })
  expect(['a', 'a', 'a', 'b', 'b', 'c'].map((app) => holds.enter(app))).toEqual([
    true,
    true,
    false,
    true,
    false,
    false,
  ])
  holds.leave('a')
  expect(holds.total).toBe(2)
  expect(holds.enter('c')).toBe(true)
  expect(holds.enter('a')).toBe(false)
})
