import { escapeLine } from './escape.ts'
import { type Color, paint, type Terminal } from './terminal.ts'

export type Cell = string | { text: string; color: Color }

/** Prints rows under a head, each column as wide as its widest cell. Cells are escaped here. */
export function printTable(terminal: Terminal, head: string[], rows: Cell[][]): void {
  const cells = [head.map((text) => ({ text, color: 'dim' as const })), ...rows].map((row) =>
    row.map((cell) => {
      const { text, color } = typeof cell === 'string' ? { text: cell, color: undefined } : cell
      return { text: escapeLine(text) || '-', color }
    }),
  )
  const widths = head.map((_, column) =>
    Math.max(...cells.map((row) => row[column]?.text.length ?? 0)),
  )
  for (const row of cells) {
    const line = row.map(({ text, color }, column) => {
      const last = column === row.length - 1
      const padding = last ? '' : ' '.repeat((widths[column] ?? 0) - text.length)
      return (color ? paint(terminal, color, text) : text) + padding
    })
    terminal.out(`${line.join('  ')}\n`)
  }
}

/** Prints names and values in two columns, for one thing shown in full. */
export function printFields(terminal: Terminal, fields: Record<string, string>): void {
  const width = Math.max(...Object.keys(fields).map((name) => name.length))
  for (const [name, value] of Object.entries(fields))
    terminal.out(`${paint(terminal, 'dim', name.padEnd(width))}  ${escapeLine(value) || '-'}\n`)
}
