import { Etcd3 } from 'etcd3'
import { ask, askUntil } from '../test/system/client.ts'
import { type Cluster, startCluster } from '../test/system/cluster.ts'
import { startFloor } from './floor.ts'
import { startBackends } from './proxies.ts'
import type { Report, Row } from './report.ts'
import { seedApps, seedName } from './seed.ts'
import { slope, summarise } from './statistics.ts'

const PAIRS = Number(process.env.BENCH_PAIRS ?? 30)
const SIZES = [100, 1000, 10_000, 50_000]
/** Apps of the arm that is written by hand. */
const BY_HAND = 10

/** Milliseconds since a key was put. */
interface Pair {
  floor: number
  /** until the gateway answered 200 for the first time, whoever led there */
  first: number
  /** of this, what came after etcd's answer to the put was here */
  later: number
  /** until the gateway's record says that its own table has the app */
  table: number
}

/**
 * etcd put to first 200, of an app that was not there before, beside many that run: the whole of Reveille with one
 * gateway, against ten apps, a watch and a SIGHUP. Both arms in turn, over the same kind of etcd and backends.
 */
export async function benchRoute(): Promise<Report> {
  const backends = await startBackends(16)
  const pairs = new Map<number, Pair[]>()
  try {
    for (const size of SIZES) {
      process.stderr.write(`  ${size} apps\n`)
      const before = (url: string) => seedApps(url, size, backends.ports)
      const cluster = await startCluster(['--networks', '127.0.0.0/8'], { before })
      try {
        await knows(cluster, seedName(size - 1))
        pairs.set(size, await measurePairs(cluster, `127.0.0.1:${backends.ports[0]}`))
      } finally {
        await cluster.stop()
      }
    }
  } finally {
    await backends.stop()
  }
  return {
    rows: rowsOf(pairs),
    unit: 'milliseconds after the put: median, least and p99',
    data: { pairs: Object.fromEntries(pairs) },
  }
}

/** Waits until the gateway has told that it has everything. */
async function knows(cluster: Cluster, app: string): Promise<void> {
  const answer = await askUntil(cluster.origin, `/${app}/`, ({ status }) => status === 200, 90)
  if (answer?.status !== 200) throw new Error(`${app} does not answer: ${answer?.text}`)
  await new Promise((resolve) => setTimeout(resolve, 5000))
}

async function measurePairs(cluster: Cluster, at: string): Promise<Pair[]> {
  const etcd = new Etcd3({ hosts: cluster.etcd.url })
  const floor = await startFloor(cluster.etcd.url)
  const pairs: Pair[] = []
  try {
    for (let i = 0; i < BY_HAND; i += 1) await etcd.put(`/floor/put-${i}`).value(at)
    // One more of each before it counts: what is met for the first time is slower.
    for (let i = BY_HAND; i <= BY_HAND + PAIRS; i += 1) {
      const name = `put-${i}`
      const began = performance.now()
      await etcd.put(`/floor/${name}`).value(at)
      const floorTook = await untilAnswer(floor.origin, name, began)
      await etcd.delete().key(`/floor/put-${i - BY_HAND}`)
      // Both arms begin at rest.
      await new Promise((resolve) => setTimeout(resolve, 300))
      const put = performance.now()
      const { header } = await etcd.put(`/services/clusters/${name}`).value(at)
      const answered = performance.now() - put
      const first = await untilAnswer(cluster.origin, name, put)
      const table = await untilApplied(etcd, header.revision, put)
      if (i > BY_HAND) pairs.push({ floor: floorTook, first, later: first - answered, table })
      await new Promise((resolve) => setTimeout(resolve, 300))
    }
    return pairs
  } finally {
    etcd.close()
    await floor.stop()
  }
}

/** Milliseconds since `began` until the app answers 200, asked with 1 ms between tries. */
async function untilAnswer(origin: string, name: string, began: number): Promise<number> {
  while (performance.now() - began < 20_000) {
    const answer = await ask(origin, `/${name}/`).catch(() => null)
    if (answer?.status === 200) return performance.now() - began
    await new Promise((resolve) => setTimeout(resolve, 1))
  }
  throw new Error(`${origin}/${name}/ never answered 200`)
}

/** Milliseconds since `began` until the gateway's record says that this revision is applied. */
async function untilApplied(etcd: Etcd3, revision: string, began: number): Promise<number> {
  while (performance.now() - began < 20_000) {
    const record = await etcd.get('/services/gateways/lab').string()
    if (record && BigInt(JSON.parse(record).applied) >= BigInt(revision))
      return performance.now() - began
    await new Promise((resolve) => setTimeout(resolve, 1))
  }
  throw new Error(`revision ${revision} was never applied`)
}

function rowsOf(pairs: ReadonlyMap<number, Pair[]>): Row[] {
  const sizes = [...pairs.keys()]
  const of = (size: number, figure: keyof Pair) =>
    summarise((pairs.get(size) ?? []).map((pair) => pair[figure]))
  const row = (size: number, figure: 'first' | 'table', words: string): Row => {
    const { n, p50, p99, min } = of(size, figure)
    const ratio = summarise((pairs.get(size) ?? []).map((pair) => pair[figure] / pair.floor))
    const floor = of(size, 'floor')
    const isJudged = figure === 'first' && size === 1000
    return {
      metric: `etcd put to ${words}, ${size.toLocaleString('en')} apps, p50 / p99 (n=${n})`,
      against: `watch, file and SIGHUP by hand at ${BY_HAND} apps: ${floor.p50.toFixed(1)} / ${floor.p99.toFixed(1)} ms`,
      figure: `${p50.toFixed(1)} / ${p99.toFixed(1)} ms, ${ratio.p50.toFixed(2)}x`,
      ...(isJudged && { bar: 'p99 <= 60 ms', reached: p99 <= 60 }),
      mark: {
        label: `${words}, ${size.toLocaleString('en')} apps`,
        middle: p50,
        low: min,
        high: p99,
        ...(isJudged && { bar: 60 }),
      },
    }
  }
  const later = (size: number): Row => {
    const { n, p50, p99 } = of(size, 'later')
    const answer = summarise((pairs.get(size) ?? []).map(({ first, later }) => first - later))
    return {
      metric: `etcd's answer to the put to first 200, ${size.toLocaleString('en')} apps, p50 / p99 (n=${n})`,
      against: `that answer: ${answer.p50.toFixed(1)} / ${answer.p99.toFixed(1)} ms after the put`,
      figure: `${p50.toFixed(1)} / ${p99.toFixed(1)} ms`,
    }
  }
  const growth = (figure: 'first' | 'table', words: string, bar?: number): Row => {
    const exponent = slope(sizes.map((size) => [Math.log(size), Math.log(of(size, figure).p50)]))
    return {
      metric: `growth exponent of put to ${words}`,
      against: `log of p50 over log of apps, ${sizes[0]} to ${sizes.at(-1)?.toLocaleString('en')}`,
      figure: exponent.toFixed(2),
      ...(bar !== undefined && { bar: `<= ${bar}`, reached: exponent <= bar }),
    }
  }
  return [
    ...sizes.map((size) => row(size, 'first', 'first 200')),
    ...sizes.map(later),
    growth('first', 'first 200', 0.3),
    ...sizes.map((size) => row(size, 'table', "the gateway's own table")),
    growth('table', "the gateway's own table"),
  ]
}
