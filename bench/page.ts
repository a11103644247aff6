import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { plot } from './plot.ts'
import type { Row } from './report.ts'
import { type Result, type Results, readResults } from './results.ts'

const DOCS = join(import.meta.dirname, '../docs')
const BLOCK = /<!-- bench (\w+) -->\n[^]*?<!-- \/bench -->/g

/** docs/performance.md with the tables of these results in its blocks. Throws for a block of a part that was never measured. */
export function fillPage(page: string, results: Results): string {
  return page.replaceAll(BLOCK, (_block, part: string) => {
    if (part === 'bars') return `<!-- bench bars -->\n${barsOf(results)}\n<!-- /bench -->`
    const result = results[part]
    if (!result)
      throw new Error(`docs/performance.md shows ${part}, which bench/results.json lacks`)
    return `<!-- bench ${part} -->\n${blockOf(part, result)}\n<!-- /bench -->`
  })
}

/** The plots of all parts that have something to show, by file name. */
export function plotsOf(results: Results): Map<string, string> {
  const plots = new Map<string, string>()
  for (const [part, { rows, unit }] of Object.entries(results)) {
    const marks = rows.flatMap(({ mark }) => mark ?? [])
    if (marks.length > 0) plots.set(`${part}.svg`, plot(marks, unit))
  }
  return plots
}

/** All that has a bar. */
function barsOf(results: Results): string {
  const cells = Object.entries(results).flatMap(([part, { rows }]) =>
    rows.filter(({ bar }) => bar !== undefined).map((row) => [part, ...cellsOf(row)]),
  )
  return tableOf(['part', ...HEAD], cells)
}

function tableOf(head: string[], cells: readonly string[][]): string {
  return [head, head.map(() => '---'), ...cells]
    .map((line) => `| ${line.map(escaped).join(' | ')} |`)
    .join('\n')
}

function blockOf(part: string, { at, load, cpus, rows }: Result): string {
  const table = tableOf(HEAD, rows.map(cellsOf))
  const picture = rows.some(({ mark }) => mark) ? `\n\n![${part}](performance/${part}.svg)` : ''
  const when = `${at.slice(0, 16).replace('T', ' ')} UTC`
  return `${table}${picture}\n\nMeasured ${when}; ${cpus} CPUs, load ${load} when it began.`
}

const HEAD = ['figure', 'held against', 'here', 'bar']
const cellsOf = (row: Row): string[] => [row.metric, row.against, row.figure, verdict(row)]
const verdict = ({ bar, reached }: Row): string =>
  bar === undefined ? '' : reached ? bar : `${bar}, **not reached**`

const escaped = (text: string): string => text.trim().replaceAll('|', '\\|')

/** Writes the tables and plots of the results into docs/. */
export function writePage(): void {
  const results = readResults()
  const file = join(DOCS, 'performance.md')
  const page = fillPage(readFileSync(file, 'utf8'), results)
  writeFileSync(file, page)
  mkdirSync(join(DOCS, 'performance'), { recursive: true })
  for (const [name, svg] of plotsOf(results)) writeFileSync(join(DOCS, 'performance', name), svg)
}

if (process.argv[1] === import.meta.filename) writePage()
