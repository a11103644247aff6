import type { Verdict } from './fault.ts'

/** One line per fault over all its runs: what was measured last, and how many passed. */
export function printTable(verdicts: readonly Verdict[]): string {
  const ids = [...new Set(verdicts.map(({ id }) => id))].sort()
  const rows = ids.map((id) => {
    const runs = verdicts.filter((verdict) => verdict.id === id)
    const failed = runs.filter(({ pass }) => !pass)
    const shown = failed.at(-1) ?? runs.at(-1)
    const seconds = Math.max(...runs.map((run) => run.seconds))
    const passed = failed.length === 0 ? 'pass' : `FAIL (${failed.length} of ${runs.length})`
    return [
      id,
      shown?.title ?? '',
      shown?.mode ?? '',
      String(runs.length),
      shown?.figure ?? '',
      `${seconds} s`,
      passed,
    ]
  })
  const lines = [['fault', '', 'gateways', 'runs', 'figure', 'took', 'pass'], ...rows]
  return lines
    .flatMap((cells, index) => {
      const line = `| ${cells.join(' | ')} |`
      return index === 0 ? [line, `|${' --- |'.repeat(cells.length)}`] : [line]
    })
    .join('\n')
}
