import { expect, it } from 'vitest'
import { Recent } from '../../model/recent.ts'

it('the longest unset is forgotten first', () => {
  const recent = new Recent<string, number>(2)
  recent.set('a', 1).set('b', 2).set('a', 3).set('c', 4)
  expect([...recent]).toEqual([
    ['a', 3],
    ['c', 4],
  ])
})
