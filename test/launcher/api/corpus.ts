import { readFileSync } from 'node:fs'

/** Input somebody may send to do harm, and controls that must work. */
export interface Hostile {
  where: string
  value: string
  why: string
  expect: string
}

const ALL = JSON.parse(
  readFileSync(new URL('./hostile.json', import.meta.url), 'utf8'),
) as Hostile[]

/** The entries of one kind; `@repeat:C:N` in a value stands for N times C. */
export function hostile(where: string): Hostile[] {
  return ALL.filter((entry) => entry.where === where).map((entry) => ({
    ...entry,
    value: entry.value.replace(/@repeat:(.):([0-9]+)/g, (_all, text: string, times: string) =>
      text.repeat(Number(times)),
    ),
  }))
}
