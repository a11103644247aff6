import { isRecord } from './document.ts'
import type { Path } from './note.ts'

/** Text of a scalar; null for a list, a map or nothing. */
export function textOf(value: unknown): string | null {
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean'
    ? String(value)
    : null
}

export interface Pair {
  key: string
  /** null where none is given */
  value: string | null
  /** within what the pairs were read from */
  path: Path
}

/** A route that an app is to have. */
export interface PlacedRoute {
  text: string
  /** of what the file says it with, within its service */
  at: Path
}

/** Reads a map, or a list of `key=value`: compose has environments and labels either way. Null if it is neither. */
export function readPairs(value: unknown): Pair[] | null {
  if (isRecord(value))
    return Object.entries(value).map(([key, item]) => ({ key, value: textOf(item), path: [key] }))
  if (!Array.isArray(value)) return null
  return value.map((item, index) => {
    const text = textOf(item) ?? ''
    const at = text.indexOf('=')
    return at < 0
      ? { key: text, value: null, path: [index] }
      : { key: text.slice(0, at), value: text.slice(at + 1), path: [index] }
  })
}

/** Names of a list, or of the keys of a map. */
export function readNames(value: unknown): string[] {
  if (isRecord(value)) return Object.keys(value)
  return Array.isArray(value) ? value.flatMap((item) => textOf(item) ?? []) : []
}

const SPAN = /^(?:[0-9]+(?:\.[0-9]+)?(?:us|ms|s|m|h|d))+$/
const SECONDS: Record<string, number> = { us: 1e-6, ms: 1e-3, s: 1, m: 60, h: 3600, d: 86_400 }

/** Whole seconds, rounded up, of a time like `90s`, `1m30s` or `1.5h`; a bare number is seconds. Null for all else. */
export function readSeconds(text: string | null): number | null {
  if (text === null) return null
  if (/^[0-9]{1,9}$/.test(text)) return Number(text)
  if (!SPAN.test(text)) return null
  const parts = [...text.matchAll(/([0-9.]+)(us|ms|s|m|h|d)/g)]
  const sum = parts.reduce(
    (all, [, count, unit]) => all + Number(count) * (SECONDS[unit ?? ''] ?? 0),
    0,
  )
  return Math.ceil(sum)
}

const BYTES: Record<string, number> = { '': 1, b: 1, k: 1024, m: 1024 ** 2, g: 1024 ** 3 }

/** Bytes of an amount like `512M`, `1.5gb` or `1073741824`; null for all else. */
export function readBytes(text: string | null): number | null {
  const match = /^([0-9]{1,15}(?:\.[0-9]{1,6})?) ?([bkmg]?)(?:i?b)?$/i.exec(text ?? '')
  if (!match) return null
  return Math.round(Number(match[1]) * (BYTES[(match[2] ?? '').toLowerCase()] ?? 1))
}

/** A number of nine digits at most, fractions allowed; null for all else. */
export function readNumber(text: string | null): number | null {
  return text !== null && /^[0-9]{1,9}(?:\.[0-9]{1,9})?$/.test(text) ? Number(text) : null
}

/** The words of a command line, as a shell takes them apart; null if a quote is left open. */
export function readWords(line: string): string[] | null {
  const words: string[] = []
  let word: string | null = null
  let quote = ''
  for (let at = 0; at < line.length; at += 1) {
    const character = line.charAt(at)
    if (quote === '' && /\s/.test(character)) {
      if (word !== null) words.push(word)
      word = null
    } else if (character === '\\' && quote !== "'") {
      at += 1
      word = (word ?? '') + line.charAt(at)
    } else if (character === quote) quote = ''
    else if (quote === '' && /["']/.test(character)) {
      quote = character
      word ??= ''
    } else word = (word ?? '') + character
  }
  if (quote !== '') return null
  return word === null ? words : [...words, word]
}
