import { describe, expect, test } from 'vitest'
import { duration, formatDuration, parseDuration } from '../../model/duration.ts'

describe('a duration', () => {
  test.each([
    ['90', 90],
    ['90s', 90],
    ['5m', 300],
    ['1h', 3600],
    ['2d', 172_800],
  ])('%s is %i seconds', (text, seconds) => {
    expect(parseDuration(text)).toBe(seconds)
  })

  test.each([
    '',
    '0',
    '-1',
    '1e9',
    'NaN',
    '1.5m',
    '1w',
    ' 1',
    '1 ',
    '01',
    '1S',
    '1m30s',
    '9999999999',
  ])('%j is none', (text) => {
    expect(parseDuration(text)).toBeNull()
    expect(duration().safeParse(text).success).toBe(false)
  })

  test.each([
    [1, '1s'],
    [90, '90s'],
    [300, '5m'],
    [5400, '90m'],
    [172_800, '2d'],
  ])('%i seconds are written %s, and read back', (seconds, text) => {
    expect(formatDuration(seconds)).toBe(text)
    expect(parseDuration(text)).toBe(seconds)
  })

  test('is a number of seconds or text, within its bounds', () => {
    expect(duration(60).parse(60)).toBe(60)
    expect(duration(60).parse('1m')).toBe(60)
    for (const bad of [0, -1, 1.5, 61, '61', '2m', Number.NaN, Number.POSITIVE_INFINITY, null, {}])
      expect(duration(60).safeParse(bad).success).toBe(false)
  })
})
