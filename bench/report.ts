/** One line of the table that `npm run bench` prints. */
export interface Row {
  metric: string
  /** what it was held against in the same run */
  against: string
  figure: string
  bar?: string
  /** whether the bar was reached; absent where there is no bar */
  reached?: boolean
}

/** A part of the bench: its rows, and everything measured, for the JSON beside it. */
export interface Report {
  rows: Row[]
  data: object
}

export function printTable(rows: readonly Row[]): string {
  const cells = rows.map((row) => [
    row.metric,
    row.against,
    row.figure,
    row.bar ?? '',
    row.reached === undefined ? '' : row.reached ? 'reached' : 'NOT REACHED',
  ])
  const head = ['metric', 'against', 'figure', 'bar', '']
  const widths = head.map((title, i) =>
    Math.max(title.length, ...cells.map((cell) => (cell[i] ?? '').length)),
  )
  const line = (cell: string[]): string =>
    cell
      .map((text, i) => text.padEnd(widths[i] as number))
      .join('  ')
      .trimEnd()
  return [head, widths.map((width) => '-'.repeat(width)), ...cells].map(line).join('\n')
}
