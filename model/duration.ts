import { z } from 'zod'

const UNITS: Record<string, number> = { s: 1, m: 60, h: 3600, d: 86_400 }
const TEXT = /^([1-9][0-9]{0,8})(s|m|h|d)?$/

/** Reads `90`, `90s`, `5m`, `1h`, `2d` as seconds; null for anything else (`-1`, `1e9`, `NaN`, `0`). */
export function parseDuration(text: string): number | null {
  const match = TEXT.exec(text)
  if (!match) return null
  return Number(match[1]) * (UNITS[match[2] ?? 's'] as number)
}

/** Writes seconds the way {@link parseDuration} reads them, in the largest unit that divides them. */
export function formatDuration(seconds: number): string {
  for (const [unit, size] of Object.entries(UNITS).reverse())
    if (seconds >= size && seconds % size === 0) return `${seconds / size}${unit}`
  return `${seconds}s`
}

const FORM = 'must be a duration like 30s, 5m or 1h'

/** A span of 1 second to `max` seconds, given as a number of seconds or as text; parsed to seconds. */
export function duration(max = 30 * 86_400) {
  return z
    .union([z.string().transform((text) => parseDuration(text) ?? Number.NaN), z.number()], FORM)
    .pipe(
      z
        .number(FORM)
        .int('must be whole seconds')
        .min(1, 'must be at least 1 second')
        .max(max, `must be at most ${formatDuration(max)}`),
    )
}
