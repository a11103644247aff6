import { readFileSync, writeFileSync } from 'node:fs'
import { cpus, loadavg } from 'node:os'
import { join } from 'node:path'
import type { Report, Row } from './report.ts'

/** What a part of the bench came to, as it is kept in bench/results.json and shown in docs/performance.md. */
export interface Result {
  /** when it was measured: an ISO date */
  at: string
  cpus: number
  /** of the machine when it began, one minute */
  load: number
  seconds: number
  unit: string
  rows: Row[]
}
export type Results = Record<string, Result>

const FILE = join(import.meta.dirname, 'results.json')
/** Every single figure of the last runs, for who wants to look closer. */
const MEASURED = join(import.meta.dirname, 'measured.json')

export function readResults(): Results {
  return JSON.parse(readFileSync(FILE, 'utf8')) as Results
}

/** Measures a part and puts what it came to in the place of what was there of it. */
export async function measure(name: string, part: () => Promise<Report>): Promise<Row[]> {
  const [load = 0] = loadavg()
  const began = Date.now()
  const { rows, unit = '', data } = await part()
  const seconds = Math.round((Date.now() - began) / 1000)
  const at = new Date(began).toISOString()
  const result: Result = { at, cpus: cpus().length, load: digits(load), seconds, unit, rows }
  write(FILE, { ...read(FILE), [name]: result })
  write(MEASURED, { ...read(MEASURED), [name]: { at, ...data } })
  return rows
}

function read(file: string): object {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as object
  } catch {
    return {}
  }
}

/** Lists of figures on one line each. */
function write(file: string, value: object): void {
  const rounded = (_key: string, each: unknown) => (typeof each === 'number' ? digits(each) : each)
  const text = JSON.stringify(value, rounded, 1).replaceAll(/\[[\d\s.,e+-]*\]/g, (list) =>
    list.replaceAll(/\s+/g, ' '),
  )
  writeFileSync(file, `${text}\n`)
}

const digits = (value: number): number => Number(value.toPrecision(5))
