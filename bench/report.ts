/** One line of the table that `npm run bench` prints. */
export interface Row {
  metric: string
  /** what it was held against in the same run */
  against: string
  figure: string
  bar?: string
  /** whether the bar was reached; absent where there is no bar */
  reached?: boolean
  /** how the part's plot shows it; absent for what is not in its unit */
  mark?: Mark
}

/** A dot on a plot, and what is around it: all in the part's unit. */
export interface Mark {
  label: string
  middle: number
  low?: number
  high?: number
  /** the bar as a number */
  bar?: number
}

/** A part of the bench: its rows, and everything measured, for the JSON beside it. */
export interface Report {
  rows: Row[]
  /** of the marks, as words for the axis of the plot */
  unit?: string
  data: object
}

/** Median and range of a ratio as text: `1.05x [1.01-1.07]`. */
export function times({ ratio, min, max }: { ratio: number; min: number; max: number }): string {
  return `${ratio.toFixed(2)}x [${min.toFixed(2)}-${max.toFixed(2)}]`
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
