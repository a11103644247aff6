import { describe, expect, test } from 'vitest'
import { Bytes, parseBytes } from '../../model/bytes.ts'

describe('an amount of memory', () => {
  test.each([
    ['65536', 65_536],
    ['64k', 65_536],
    ['64m', 67_108_864],
    ['1G', 1_073_741_824],
  ])('%s is %i bytes', (text, bytes) => {
    expect(parseBytes(text)).toBe(bytes)
  })

  test.each(['', '0', '-1m', '1.5g', '1t', '1mb', '1 m', '0x10', '1e9'])('%j is none', (text) => {
    expect(parseBytes(text)).toBeNull()
    expect(Bytes.safeParse(text).success).toBe(false)
  })

  test('lies between what Docker needs and a terabyte', () => {
    expect(Bytes.parse('6m')).toBe(6 * 1024 ** 2)
    expect(Bytes.parse(1024 ** 4)).toBe(1024 ** 4)
    for (const bad of ['5m', '1025g', '9999999999999999g', 1, 7e6 + 0.5, Number.NaN])
      expect(Bytes.safeParse(bad).success).toBe(false)
  })
})
