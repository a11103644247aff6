import Docker from 'dockerode'
import { labEngine } from '../test/lab/engine.ts'
import { ask } from '../test/system/client.ts'
import { type Cluster, startCluster } from '../test/system/cluster.ts'
import type { Report, Row } from './report.ts'
import { median, type Summary, summarise } from './statistics.ts'
import { containerOf, makeTwin } from './twin.ts'

const IMAGE = 'reveille-test/app:1'
const PAIRS = Number(process.env.BENCH_PAIRS ?? 30)
/** Of the twin, in the engine's own network. */
const PORT = 24_998

const APPS = [
  { name: 'stopped', network: 'bridge', sleep: 'stop' },
  { name: 'paused', network: 'bridge', sleep: 'pause' },
  { name: 'stopped-sandbox', network: 'sandbox', sleep: 'stop' },
  { name: 'paused-sandbox', network: 'sandbox', sleep: 'pause' },
] as const
type Name = (typeof APPS)[number]['name']

/** First byte of a request that wakes the app, milliseconds. */
async function wake(cluster: Cluster, name: string): Promise<number> {
  await cluster.api('POST', `/v1/apps/${name}/sleep`)
  const answer = await ask(cluster.origin, `/${name}/`)
  if (answer.status !== 200) throw new Error(`${name} answered ${answer.status}: ${answer.text}`)
  return answer.firstByte
}

/**
 * First byte of a request that wakes a paused app, against one that wakes a stopped app, and against a twin of the paused
 * one that is let go on by the engine's API alone. All take turns in each round.
 */
export async function benchDepth(): Promise<Report> {
  const cluster = await startCluster()
  const engine = labEngine()
  const docker = new Docker({ socketPath: engine.url.replace('unix://', '') })
  try {
    for (const app of APPS) {
      await cluster.add({ image: IMAGE, idleAfter: '1h', ...app })
      await ask(cluster.origin, `/${app.name}/`)
    }
    const model = await containerOf(docker, 'paused')
    const place = { name: 'bench-frozen', address: engine.address, port: PORT }
    const twin = await makeTwin(docker, model, place)
    await twin.start()
    const rounds: (Record<Name, number> & { direct: number })[] = []
    for (let i = 0; i < PAIRS; i += 1) {
      const took = { direct: (await twin.goOn()).took } as (typeof rounds)[number]
      for (const { name } of APPS) took[name] = await wake(cluster, name)
      rounds.push(took)
    }
    await twin.remove()
    const of = (name: Name | 'direct'): Summary => summarise(rounds.map((round) => round[name]))
    const ms = ({ p50, p99 }: Summary): string => `${p50.toFixed(1)} / ${p99.toFixed(1)} ms`
    const rows: Row[] = [
      {
        metric: `paused twin let go on, first byte p50 / p99 (n=${PAIRS})`,
        against: 'the floor',
        figure: ms(of('direct')),
      },
    ]
    for (const network of ['', '-sandbox'] as const) {
      const [slow, fast] = [`stopped${network}`, `paused${network}`] as const
      const more = rounds.map((round) => round[fast] - round.direct)
      rows.push(
        { metric: `wake of ${slow}, first byte p50 / p99`, against: '', figure: ms(of(slow)) },
        { metric: `wake of ${fast}, first byte p50 / p99`, against: '', figure: ms(of(fast)) },
        {
          metric: `wake of ${fast}, ratio p50`,
          against: slow,
          figure: `${median(rounds.map((round) => round[fast] / round[slow])).toFixed(3)}x`,
        },
        {
          metric: `wake of ${fast}, difference p50 / p99`,
          against: 'the twin, in a bridge',
          figure: ms(summarise(more)),
        },
      )
    }
    const phases = cluster
      .log()
      .split('\n')
      .filter((line) => line.includes('"msg":"woke"'))
      .map((line) => JSON.parse(line) as { app: Name; ms: Record<string, number> })
    for (const { name } of APPS) {
      const own = phases.filter(({ app }) => app === name).slice(1)
      const laps = Object.keys(own[0]?.ms ?? {})
      const part = (lap: string): string =>
        `${lap} ${median(own.map((one) => one.ms[lap] ?? 0)).toFixed(1)}`
      const figure = `${laps.map(part).join(', ')} ms`
      rows.push({ metric: `  of which, in ${name}, p50`, against: '', figure })
    }
    return { rows, data: { rounds, phases } }
  } finally {
    await cluster.stop()
  }
}
