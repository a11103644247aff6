import Docker from 'dockerode'
import { labEngine } from '../test/lab/engine.ts'
import { ask } from '../test/system/client.ts'
import { startCluster } from '../test/system/cluster.ts'
import type { Report } from './report.ts'
import { median, summarise } from './statistics.ts'
import { containerOf, makeTwin } from './twin.ts'

const IMAGE = 'reveille-test/app:1'
const PAIRS = Number(process.env.BENCH_PAIRS ?? 40)
/** Of the twin, in the engine's own network. */
const PORT = 24_999

/**
 * Cold first byte: a sleeping app through the whole of Reveille, against a twin of its container started directly by the
 * engine's API and asked in a tight loop. The two take turns, so that a busy moment of the machine meets both.
 */
export async function benchCold(): Promise<Report> {
  const cluster = await startCluster()
  const engine = labEngine()
  const docker = new Docker({ socketPath: engine.url.replace('unix://', '') })
  try {
    await cluster.add({ name: 'cold', image: IMAGE, idleAfter: '1h' })
    await ask(cluster.origin, '/cold/')
    const model = await containerOf(docker, 'cold')
    const place = { name: 'bench-twin', address: engine.address, port: PORT }
    const twin = await makeTwin(docker, model, place)
    /** One direct start of the twin. */
    const startDirectly = async (): Promise<{ took: number; start: number }> => {
      const figures = await twin.start()
      await twin.stop()
      return figures
    }
    const pairs: { direct: number; again: number; ready: number; gateway: number }[] = []
    for (let i = 0; i < PAIRS; i += 1) {
      const direct = await startDirectly()
      await cluster.api('POST', '/v1/apps/cold/sleep')
      const answer = await ask(cluster.origin, '/cold/')
      if (answer.status !== 200) throw new Error(`cold answered ${answer.status}: ${answer.text}`)
      const again = await startDirectly()
      const ready = direct.took - direct.start
      pairs.push({ direct: direct.took, again: again.took, ready, gateway: answer.firstByte })
    }
    await twin.remove()
    const difference = summarise(pairs.map(({ direct, gateway }) => gateway - direct))
    const noise = summarise(pairs.map(({ direct, again }) => Math.abs(again - direct)))
    const ratio = summarise(pairs.map(({ direct, gateway }) => gateway / direct))
    const phases = cluster
      .log()
      .split('\n')
      .filter((line) => line.includes('"msg":"woke"'))
      .map((line) => JSON.parse(line).ms as Record<string, number>)
      .slice(1)
    const ready = median(pairs.map((pair) => pair.ready))
    // Of the same wake: what is left of it without the engine's own start and the app's own time to answer.
    const ours = summarise(pairs.map(({ gateway }, i) => gateway - (phases[i]?.start ?? 0) - ready))
    const scraped = await cluster.metrics()
    const mean = (name: string): number => {
      const sample = (kind: string): number =>
        Number(
          scraped
            .split('\n')
            .find(
              (line) =>
                line.startsWith(`reveille_wake_phase_seconds_${kind}{`) &&
                line.includes(`phase="${name}"`),
            )
            ?.split(' ')
            .at(-1),
        )
      return (sample('sum') / sample('count')) * 1000
    }
    const names = Object.keys(phases[0] ?? {})
    const phase = Object.fromEntries(
      names.map((name) => [name, summarise(phases.map((times) => times[name] ?? 0))]),
    )
    const ms = (value: number): string => `${value.toFixed(1)} ms`
    const against = 'the twin container by docker start + a 1 ms connect loop'
    return {
      rows: [
        {
          metric: `cold first byte, difference p50 (n=${pairs.length})`,
          against,
          figure: ms(difference.p50),
          bar: '<= 25 ms',
          reached: difference.p50 <= 25,
        },
        { metric: 'cold first byte, difference p95', against, figure: ms(difference.p95) },
        {
          metric: 'cold first byte, difference p99',
          against,
          figure: ms(difference.p99),
          bar: '<= 100 ms',
          reached: difference.p99 <= 100,
        },
        {
          metric: 'two direct starts, difference p50 / p99: the noise',
          against,
          figure: `${ms(noise.p50)} / ${ms(noise.p99)}`,
        },
        {
          metric: 'cold first byte less its own start and the readiness, p50 / p99',
          against:
            "the engine's start call in the same wake, the twin's time from start to first byte",
          figure: `${ms(ours.p50)} / ${ms(ours.p99)}`,
        },
        { metric: 'cold first byte, ratio p50', against, figure: `${ratio.p50.toFixed(3)}x` },
        ...names.map((name) => ({
          metric: `  of which ${name}, p50 / p99`,
          against: '',
          figure: `${ms(phase[name]?.p50 ?? 0)} / ${ms(phase[name]?.p99 ?? 0)}`,
        })),
        ...['ready', 'registered'].map((name) => ({
          metric: `    in the wait: ${name}, mean`,
          against: "the registrar's own clock",
          figure: ms(mean(name)),
        })),
      ],
      data: { pairs, difference, noise, ours, ratio, phases },
    }
  } finally {
    await cluster.stop()
  }
}
