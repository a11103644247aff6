import { describe, expect, test } from 'vitest'
import { Env } from '../../model/env.ts'
import { hostile } from '../hostile/corpus.ts'

const accepted = (env: unknown): boolean => Env.safeParse(env).success

describe('an environment', () => {
  test.each(hostile('container.env'))('line is refused: $why', ({ value }) => {
    const [name = '', ...rest] = value.split('=')
    expect(accepted({ [name]: rest.length > 0 ? rest.join('=') : undefined })).toBe(false)
  })

  test.each(['A', '_', 'a1', 'PORT', 'x'.repeat(128)])('may have %s', (name) => {
    expect(accepted({ [name]: 'x' })).toBe(true)
  })

  test.each([
    ...['', '1A', 'A-B', 'A B', 'A=B', 'A\n', 'ä', 'x'.repeat(129)],
    ...['LD_PRELOAD', 'LD_LIBRARY_PATH', 'DYLD_INSERT_LIBRARIES', 'GLIBC_TUNABLES'],
  ])('may not have %j', (name) => {
    expect(accepted({ [name]: 'x' })).toBe(false)
  })

  test.each(['', 'a=b', '$HOME', '{{name}}', 'it\'s "fine"', 'x'.repeat(32_768)])(
    'passes the value %j on as it is',
    (value) => {
      expect(Env.parse({ A: value })).toEqual({ A: value })
    },
  )

  test.each(['a\nb', 'a\rb', 'a\u0000b', 'a${b}', 'x'.repeat(32_769), 1, true, null, {}])(
    'refuses the value %j',
    (value) => {
      expect(accepted({ A: value })).toBe(false)
    },
  )

  test('has at most 200 variables', () => {
    const many = (count: number) =>
      Object.fromEntries(Array.from({ length: count }, (_, i) => [`V${i}`, '']))
    expect(accepted(many(200))).toBe(true)
    expect(accepted(many(201))).toBe(false)
  })

  test('does not reach any prototype', () => {
    const env = Env.safeParse(JSON.parse('{"__proto__":"x","constructor":"y"}'))
    expect(Object.getPrototypeOf(env.data ?? {})).toBe(Object.prototype)
    expect(({} as Record<string, unknown>)['x']).toBeUndefined()
  })
})
