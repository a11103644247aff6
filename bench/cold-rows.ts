import type { Report, Row } from './report.ts'
import { median, type Summary, summarise } from './statistics.ts'

export interface Woken {
  /** milliseconds to the first byte of the answer */
  gateway: number
  /** the launcher's own clock of this wake, milliseconds */
  phases: Record<string, number>
}

/** A wake through the gateway, and the direct start before it. */
export interface Wake extends Woken {
  network: string
  /** how long the app takes until it listens, milliseconds */
  delay: number
  /** the twin's: until it answers, of that the engine's own, and its first answer once somebody has connected */
  direct: { took: number; start: number; answer: number }
}

const ms = (value: number): string => `${value.toFixed(1)} ms`

/** What these wakes come to. `metrics`: of all services, for the registrar's own clock. */
export function coldRows(wakes: readonly Wake[], metrics: string): Omit<Report, 'data'> {
  const delays = [...new Set(wakes.map(({ delay }) => delay))]
  const networks = [...new Set(wakes.map(({ network }) => network))]
  const of = (network: string, delay: number): Wake[] =>
    wakes.filter((each) => each.network === network && each.delay === delay)
  const rows = delays.flatMap((delay) =>
    networks.flatMap((network) => armRows(network, delay, of(network, delay))),
  )
  if (networks.includes('sandbox')) rows.push(...delays.map((delay) => ratioRow(delay, of)))
  for (const network of networks) rows.push(...phaseRows(network, of(network, 0)))
  rows.push(...waitRows(metrics))
  return { rows, unit: 'milliseconds: median, least and p99' }
}

function armRows(network: string, delay: number, wakes: readonly Wake[]): Row[] {
  // Of the same wake: what is left of it without the engine's own start and the app's own time to answer.
  const ready = median(wakes.map(({ direct }) => direct.took - direct.start))
  const ours = summarise(wakes.map(({ gateway, phases }) => gateway - (phases.start ?? 0) - ready))
  const difference = summarise(wakes.map(({ direct, gateway }) => gateway - direct.took))
  const total = summarise(wakes.map(({ gateway }) => gateway))
  const direct = summarise(wakes.map((wake) => wake.direct.took))
  const answer = summarise(wakes.map((wake) => wake.direct.answer))
  const arm = `${network}, app of ${delay / 1000} s`
  const mark = (label: string, { p50, p99, min }: Summary, bar?: number) => {
    return { label, middle: p50, low: min, high: p99, ...(bar !== undefined && { bar }) }
  }
  return [
    {
      metric: `cold first byte less start and readiness, ${arm}, p50 / p99 (n=${wakes.length})`,
      against: `the engine's start of the same wake; the twin is ready after ${ms(ready)}`,
      figure: `${ms(ours.p50)} / ${ms(ours.p99)}`,
      bar: '<= 10 / 40 ms',
      reached: ours.p50 <= 10 && ours.p99 <= 40,
      mark: mark(`less start and readiness, ${arm}`, ours, 10),
    },
    {
      metric: `  cold first byte, ${arm}, p50 / p99`,
      against: `the container by the engine's API and a 1 ms connect loop: ${ms(direct.p50)} / ${ms(direct.p99)}`,
      figure: `${ms(total.p50)} / ${ms(total.p99)}; difference ${ms(difference.p50)} / ${ms(difference.p99)}`,
      mark: mark(`cold first byte, ${arm}`, total),
    },
    {
      metric: `  of which the app's own first answer, ${arm}, p50 / p99`,
      against: 'the twin, asked on the first connection that stood; not ours, and taken off above',
      figure: `${ms(answer.p50)} / ${ms(answer.p99)}`,
    },
  ]
}

function ratioRow(delay: number, of: (network: string, delay: number) => Wake[]): Row {
  const bridge = of('bridge', delay)
  const ratio = summarise(
    of('sandbox', delay).map(({ gateway }, i) => gateway / (bridge[i]?.gateway ?? Number.NaN)),
  )
  return {
    metric: `cold first byte, sandbox, app of ${delay / 1000} s`,
    against: 'bridge, same app',
    figure: `${ratio.p50.toFixed(2)}x [${ratio.min.toFixed(2)}-${ratio.max.toFixed(2)}]`,
    ...(delay === 0 && { bar: '<= 0.5x', reached: ratio.p50 <= 0.5 }),
  }
}

function phaseRows(network: string, wakes: readonly Wake[]): Row[] {
  const names = Object.keys(wakes[0]?.phases ?? {})
  return names.map((name) => {
    const { p50, p99 } = summarise(wakes.map(({ phases }) => phases[name] ?? 0))
    return {
      metric: `  of ${network}, app of 0 s: ${name}, p50 / p99`,
      against: "the launcher's own clock",
      figure: `${ms(p50)} / ${ms(p99)}`,
    }
  })
}

/** Where the wait goes, by the registrar's own clock: means of all wakes. */
function waitRows(metrics: string): Row[] {
  const lines = metrics.split('\n')
  const sample = (kind: string, name: string): number => {
    const start = `reveille_wake_phase_seconds_${kind}{`
    const line = lines.find((each) => each.startsWith(start) && each.includes(`phase="${name}"`))
    return Number(line?.split(' ').at(-1))
  }
  return ['ready', 'registered'].map((name) => ({
    metric: `  in the wait: ${name}, mean of all`,
    against: "the registrar's own clock",
    figure: ms((sample('sum', name) / sample('count', name)) * 1000),
  }))
}
