import { setTimeout as pause } from 'node:timers/promises'
import { ask } from '../test/system/client.ts'
import { type Cluster, startCluster } from '../test/system/cluster.ts'
import type { Report, Row } from './report.ts'
import { summarise } from './statistics.ts'

const PAIRS = Number(process.env.BENCH_PAIRS ?? 30)
const NETWORKS = ['sandbox', 'bridge'] as const
/** One that takes no time of its own to get ready, and one that does. */
const IMAGES = { busybox: 'reveille-test/hello:1', node: 'reveille-test/app:1' } as const
/** Milliseconds that gateways need to reload after a sleep: a wake that meets that is slower whatever its network. */
const SETTLED = 1_500

/** Milliseconds of one wake: until the client has its first byte, and what its launcher says it spent where. */
interface Wake {
  firstByte: number
  phases: Record<string, number>
}
type Pair = Record<(typeof NETWORKS)[number], Wake>

/**
 * Cold first byte of an app in a sandbox against the same one on the bridge, through the whole of Reveille. The two take
 * turns, and so does which of them begins: a busy moment of the machine meets both.
 */
export async function benchNetworks(): Promise<Report> {
  const cluster = await startCluster()
  try {
    const rows: Row[] = []
    const data: Record<string, object> = {}
    for (const kind of ['busybox', 'node'] as const) {
      const { pairs, first } = await measure(cluster, kind)
      rows.push(...report(kind, pairs, first))
      data[kind] = { pairs, first }
    }
    return { rows, data }
  } finally {
    await cluster.stop()
  }
}

async function measure(
  cluster: Cluster,
  kind: keyof typeof IMAGES,
): Promise<{ pairs: Pair[]; first: Record<string, number> }> {
  const first: Record<string, number> = {}
  for (const network of NETWORKS) {
    const app = { image: IMAGES[kind], network, idleAfter: '1h' }
    await cluster.add({ name: `${kind}-${network}`, ...app })
    first[network] = (await wake(cluster, `${kind}-${network}`)).firstByte
  }
  const pairs: Pair[] = []
  for (let i = 0; i < PAIRS; i += 1) {
    const pair: Partial<Pair> = {}
    for (const network of i % 2 === 0 ? NETWORKS : NETWORKS.toReversed()) {
      await cluster.api('POST', `/v1/apps/${kind}-${network}/sleep`)
      await pause(SETTLED)
      pair[network] = await wake(cluster, `${kind}-${network}`)
    }
    pairs.push(pair as Pair)
  }
  return { pairs, first }
}

async function wake(cluster: Cluster, name: string): Promise<Wake> {
  const { firstByte, status, text } = await ask(cluster.origin, `/${name}/`)
  if (status !== 200) throw new Error(`${name} answered ${status}: ${text}`)
  // It is written after the answer.
  await pause(50)
  const lines = cluster.log().split('\n')
  const line = lines.findLast((one) => one.includes('"msg":"woke"') && one.includes(`"${name}"`))
  return { firstByte, phases: JSON.parse(line ?? '{"ms":{}}').ms }
}

function report(kind: string, pairs: readonly Pair[], first: Record<string, number>): Row[] {
  const ms = (value: number): string => `${value.toFixed(0)} ms`
  const phase = (network: keyof Pair, name: string) =>
    summarise(pairs.map((pair) => pair[network].phases[name] ?? 0))
  const bytes = (network: keyof Pair) => summarise(pairs.map((pair) => pair[network].firstByte))
  const ratio = summarise(pairs.map(({ sandbox, bridge }) => sandbox.firstByte / bridge.firstByte))
  const starts = summarise(
    pairs.map(({ sandbox, bridge }) => (sandbox.phases.start ?? 0) / (bridge.phases.start ?? 1)),
  )
  const against = 'the same app on the bridge, in turns'
  return [
    {
      metric: `cold first byte in a sandbox, ${kind} app, ratio p50 (n=${pairs.length})`,
      against,
      figure: `${ratio.p50.toFixed(2)}x`,
      bar: '<= 0.5x',
      reached: ratio.p50 <= 0.5,
    },
    { metric: "  of which the engine's start", against, figure: `${starts.p50.toFixed(2)}x` },
    ...NETWORKS.map((network) => ({
      metric: `  ${network}: first byte p50 / p99, of which start / wait, and the first wake of all`,
      against: '',
      figure: [
        `${ms(bytes(network).p50)} / ${ms(bytes(network).p99)}`,
        `${ms(phase(network, 'start').p50)} / ${ms(phase(network, 'wait').p50)}`,
        ms(first[network] ?? 0),
      ].join(', '),
    })),
  ]
}
