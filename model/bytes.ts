import { z } from 'zod'

const UNITS: Record<string, number> = { '': 1, k: 1024, m: 1024 ** 2, g: 1024 ** 3 }
const TEXT = /^([1-9][0-9]{0,15})([kmg]?)$/i

/** Reads `64m`, `1g`, `65536` as bytes; null for anything else. */
export function parseBytes(text: string): number | null {
  const match = TEXT.exec(text)
  if (!match) return null
  return Number(match[1]) * (UNITS[(match[2] ?? '').toLowerCase()] as number)
}

/** The most memory that can be given. */
export const MOST = 1024 ** 4

const FORM = 'must be an amount like 64m or 1g'

/** An amount of memory, as a number of bytes or as text; parsed to bytes. Docker's own minimum is 6 MiB. */
export const Bytes = z
  .union([z.string().transform((text) => parseBytes(text) ?? Number.NaN), z.number()], FORM)
  .pipe(
    z
      .number(FORM)
      .int()
      .min(6 * 1024 ** 2, 'must be at least 6m')
      .max(MOST, 'must be at most 1024g'),
  )
