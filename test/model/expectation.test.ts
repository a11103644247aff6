import { describe, expect, it } from 'vitest'
import { type Expectation, isExpected } from '../../model/expectation.ts'
import { Scan } from '../../model/pool-plan.ts'

const scan = (more: object) => Scan.safeParse({ addresses: '10.0.0.1', ...more })
const fits = (body: string, more: Partial<Expectation>, status = 200, whole = true) =>
  isExpected({ status, body, whole }, more)

describe('an answer', () => {
  it.each<[string, Partial<Expectation>, boolean]>([
    ['<!DOCTYPE html>', { startsWith: '<!D' }, true],
    [' <!DOCTYPE html>', { startsWith: '<!D' }, false],
    ['[{"name":"x"}]', { json: 'array' }, true],
    ['[]', { json: 'array' }, true],
    [' \n[1]', { json: 'array' }, true],
    ['[{]', { json: 'array' }, false],
    ['{"a":1}', { json: 'array' }, false],
    ['{"a":1}', { json: 'object' }, true],
    ['"[]"', { json: 'array' }, false],
    ['', { json: 'array' }, false],
    ['version 2.17', { matches: '^version [0-9]+\\.[0-9]+$' }, true],
    ['no version', { matches: '^version' }, false],
    ['<p>[{', { matches: '[a-z]>\\[\\{' }, true],
    ['[{"a":1}]', { json: 'array', startsWith: '[{', matches: '"a"' }, true],
    ['[{"a":1}]', { json: 'array', startsWith: '[{', matches: '"b"' }, false],
  ])('%j, expected %j: %s', (body, more, wanted) => {
    expect(fits(body, more)).toBe(wanted)
  })

  it('is one of success unless another status is named', () => {
    expect([200, 204, 299, 199, 301, 404, 500].map((status) => fits('', {}, status))).toEqual([
      ...[true, true, true, false, false, false, false],
    ])
    expect(fits('', { status: 404 }, 404)).toBe(true)
    expect(fits('', { status: 404 }, 200)).toBe(false)
  })

  it('that goes on is judged by its beginning', () => {
    expect(fits('[{"name":', { json: 'array' }, 200, false)).toBe(true)
    expect(fits('{"name":', { json: 'array' }, 200, false)).toBe(false)
  })
})

describe('an expression', () => {
  it.each([
    'x',
    '^<!D',
    '[a-z]+ok',
    '^[a-z]*-[0-9]+$',
    '\\{"a"',
    'a{3}b{2,2}',
    '[*+?{]{2}',
    '\\+\\*\\?\\{\\}x+',
  ])('%s is fine', (matches) => {
    expect(scan({ matches }).error?.message).toBeUndefined()
  })
  it.each([
    '(a+)+$',
    'a|b',
    'a*b*',
    '^a*b*c*',
    '[a-z]*[a-z]{1,}x',
    'a{10}',
    'a{1,99}',
    'a?b?c?d?e?',
    '\\1',
    '(?=a)',
    '[z-a]',
    'a**',
    'a*?b',
    '',
    'x'.repeat(201),
  ])('%s is refused', (matches) => {
    expect(scan({ matches }).success).toBe(false)
  })
  it.each(['^a*a*a{9}b', 'a*a{9}a{9}a{9}b', '[^b]*[a]{9}.{9}.{9}b'])(
    '%s takes no time on what is made to hold it up',
    (matches) => {
      expect(scan({ matches }).success).toBe(true)
      const before = process.cpuUsage()
      expect(fits('a'.repeat(16_384), { matches })).toBe(false)
      expect(process.cpuUsage(before).user).toBeLessThan(1_000_000) // µs: 65 ms where it is alone
    },
  )
})
