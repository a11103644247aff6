import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { fillPage, plotsOf } from '../../bench/page.ts'
import { plot } from '../../bench/plot.ts'
import { readResults } from '../../bench/results.ts'

const DOCS = join(import.meta.dirname, '../../docs')
const text = (path: string): string => readFileSync(join(DOCS, path), 'utf8')

it('docs/performance.md says what bench/results.json says', () => {
  const page = text('performance.md')
  expect(fillPage(page, readResults())).toBe(page)
})

it('every part that was measured is on the page', () => {
  const shown = [...text('performance.md').matchAll(/<!-- bench (\w+) -->/g)].map(
    ([, part]) => part,
  )
  expect(shown.toSorted()).toEqual(['bars', ...Object.keys(readResults())].toSorted())
})

it.each([...plotsOf(readResults())])('the plot %s shows these results', (name, svg) => {
  expect(text(`performance/${name}`)).toBe(svg)
})

it('of two bars with one name it is told what each was held against', () => {
  const row = { metric: 'CPU', figure: '1x', bar: '<= 1x', reached: true }
  const rows = ['Nginx', 'Caddy'].map((against) => ({ ...row, against }))
  const results = {
    warm: { at: '2026-11-26T10:00:00Z', cpus: 2, load: 0, seconds: 1, unit: '', rows },
  }
  const page = fillPage('<!-- bench bars -->\n<!-- /bench -->', results)
  for (const { against } of rows) expect(page).toContain(`| warm | CPU | ${against} | 1x | <= 1x |`)
})

it('a page with a part that was never measured is refused', () => {
  expect(() => fillPage('<!-- bench nothing -->\n<!-- /bench -->', {})).toThrow('nothing')
})

it('a plot keeps order and distance: linear where values are near, by powers of ten where they are not', () => {
  const at = (marks: number[]): number[] =>
    [
      ...plot(
        marks.map((middle) => ({ label: 'a<b', middle })),
        'ms',
      ).matchAll(/cx="([\d.]+)"/g),
    ].map(([, x]) => Number(x))
  const [zero, one, two] = at([0, 1, 2]) as [number, number, number]
  expect(two - one).toBeCloseTo(one - zero, 0)
  const [ten, hundred, thousand] = at([10, 100, 1000]) as [number, number, number]
  expect(thousand - hundred).toBeCloseTo(hundred - ten, 0)
  expect(plot([{ label: 'a<b', middle: -1 }], 'ms')).toContain('a&lt;b')
})
