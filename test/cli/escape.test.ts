import { describe, expect, test } from 'vitest'
import { escapeLine, escapeText, printJson } from '../../cli/escape.ts'
import { HOSTILE, isPlain } from './hostile.ts'

describe('text from elsewhere', () => {
  test.each(HOSTILE)('is one plain line: $why', ({ value }) => {
    const line = escapeLine(value)
    expect(isPlain(line)).toBe(true)
    expect(line).not.toContain('\n')
    expect(line).not.toBe(value)
  })

  test.each(HOSTILE)('is plain JSON that reads back as it was: $why', ({ value }) => {
    const json = printJson({ value })
    expect(isPlain(json)).toBe(true)
    expect(JSON.parse(json)).toEqual({ value })
    expect(printJson({ value }, 0)).not.toContain('\n')
  })

  test('keeps its newlines where it is text, and shows tabs as spaces', () => {
    expect(escapeText('a\tb\r\nc\u001b[1m')).toBe('a    b\nc\\u001b[1m')
  })

  test('of any language stays as it is', () => {
    expect(escapeLine('Überraschung 日本語 🙂 é')).toBe('Überraschung 日本語 🙂 é')
  })
})
