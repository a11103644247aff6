import { expect, it } from 'vitest'
import { Holds } from '../../../launcher/gate/hold.ts'

it('holds so many requests of one app, so many of one client and so many in all', () => {
  const holds = new Holds({ perApp: 2, perClient: 3, total: 5 })
  const enter = (app: string, client: string) => holds.enter(app, client)
  expect([enter('a', 'x'), enter('a', 'x'), enter('a', 'x')]).toEqual([null, null, 'perApp'])
  expect([enter('b', 'x'), enter('c', 'x')]).toEqual([null, 'perClient'])
  expect([enter('c', 'y'), enter('d', ''), enter('e', 'z')]).toEqual([null, null, 'total'])
  holds.leave('a', 'x')
  expect(holds.total).toBe(4)
  expect(enter('c', 'x')).toBeNull()
  expect(enter('a', 'x')).toBe('total')
})
