import { describe, expect, test } from 'vitest'
import { AppName, canonical, containerName, isAppName } from '../../model/name.ts'
import { hostile } from '../hostile/corpus.ts'

describe('an app name', () => {
  test.each(hostile('app.name'))(
    '$value is judged as expected: $why',
    ({ value, expect: wanted }) => {
      const accepted = isAppName(value)
      expect(AppName.safeParse(value).success).toBe(accepted)
      if (wanted === 'accept') expect(accepted).toBe(true)
      if (wanted === 'reject-400') expect(accepted).toBe(false)
    },
  )

  test.each(['A', '0', 'a-b', 'a_b', 'a--b', 'x'.repeat(63)])('may be %s', (name) => {
    expect(isAppName(name)).toBe(true)
  })

  test.each(['', 'a-', '_a', 'a.b', 'ä', 'x'.repeat(64), 'a\n', '\na'])('may not be %j', (name) => {
    expect(isAppName(name)).toBe(false)
  })
})

test('names are compared in lower case', () => {
  expect(canonical('Shop-A')).toBe('shop-a')
})

test('a container has a name Docker takes, even for a one-letter app', () => {
  expect(containerName('A', 3)).toBe('reveille-a-3')
})
