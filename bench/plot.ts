import type { Mark } from './report.ts'

const WIDTH = 760
const LABELS = 330
const LINE = 22
const TOP = 8

/**
 * A plot as SVG: a line for each mark with its dot, the range around it and a tick where the bar is. The axis is
 * logarithmic where the marks are orders of magnitude apart. Colours are readable on white and on black.
 */
export function plot(marks: readonly Mark[], unit: string): string {
  const all = marks.flatMap(({ middle, low, high, bar }) =>
    [middle, low, high, bar].filter((value) => value !== undefined),
  )
  const axis = axisOf(Math.min(...all), Math.max(...all))
  const x = (value: number): string => (LABELS + axis.at(value) * (WIDTH - LABELS - 60)).toFixed(1)
  const bottom = TOP + marks.length * LINE
  const grid = axis.ticks.map(
    (tick) =>
      `<path d="M${x(tick)} ${TOP}V${bottom}" stroke="#888" stroke-opacity=".35"/>` +
      `<text x="${x(tick)}" y="${bottom + 14}" text-anchor="middle">${tick}</text>`,
  )
  const lines = marks.map(({ label, middle, low = middle, high = middle, bar }, index) => {
    const y = TOP + index * LINE + LINE / 2
    const limit =
      bar === undefined
        ? ''
        : `<path d="M${x(bar)} ${y - 8}V${y + 8}" stroke="#d33" stroke-width="2.5"><title>bar ${bar}</title></path>`
    return (
      `<text x="${LABELS - 10}" y="${y + 4}" text-anchor="end">${escaped(label)}</text>` +
      `<path d="M${x(low)} ${y}H${x(high)}" stroke="#27c" stroke-opacity=".55" stroke-width="5" stroke-linecap="round"/>` +
      `<circle cx="${x(middle)}" cy="${y}" r="4.5" fill="#27c"><title>${middle}</title></circle>${limit}`
    )
  })
  const height = bottom + 36
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${height}" viewBox="0 0 ${WIDTH} ${height}" font-family="system-ui,sans-serif" font-size="12" fill="#777">
${[...grid, ...lines].join('\n')}
<text x="${(LABELS + WIDTH - 60) / 2}" y="${bottom + 30}" text-anchor="middle">${escaped(unit)}; red: the bar</text>
</svg>\n`
}

/** Where a value is between the ends (0 to 1), and values worth a line. */
function axisOf(least: number, most: number): { at(value: number): number; ticks: number[] } {
  if (least > 0 && most / least > 20) {
    const powers = Array.from({ length: 13 }, (_, index) => index - 4)
    const ticks = powers.flatMap((power) => [1, 3].map((digit) => plain(digit * 10 ** power)))
    const first = ticks.findLast((tick) => tick <= least) ?? least
    const last = ticks.find((tick) => tick >= most) ?? most
    const at = (value: number) => Math.log(value / first) / Math.log(last / first)
    return { at, ticks: ticks.filter((tick) => tick >= first && tick <= last) }
  }
  const [from, to] = [Math.min(0, least), Math.max(most, least + 1e-9, 0)]
  const rough = (to - from) / 5
  const unit = 10 ** Math.floor(Math.log10(rough))
  const step = ([1, 2, 5].find((digit) => digit * unit >= rough) ?? 10) * unit
  const first = Math.floor(from / step)
  const last = Math.ceil(to / step)
  const ticks = Array.from({ length: last - first + 1 }, (_, index) =>
    plain((first + index) * step),
  )
  return { at: (value) => (value / step - first) / (last - first), ticks }
}

/** Without what floating point adds. */
const plain = (value: number): number => Number(value.toPrecision(6))

const escaped = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
