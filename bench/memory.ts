import { askUntil } from '../test/system/client.ts'
import { type Cluster, startCluster } from '../test/system/cluster.ts'
import { family, memory, roleOf } from './cpu.ts'
import { startBackends } from './proxies.ts'
import type { Report } from './report.ts'
import { seedApps, seedName } from './seed.ts'

const SIZES = [1000, 50_000] as const
const ROUNDS = Number(process.env.BENCH_ROUNDS ?? 1)
/**
 * Seconds after the first answer: one look at etcd for what was not told, once a minute, is in it, and what is left of
 * the start is collected, for which V8 alone takes up to 100 s.
 */
const REST = 120

/** Each service in a process of its own, where its memory can be told. */
const FLAGS = ['--networks', '127.0.0.0/8', '--services', 'apart']

const PARTS = ['controller', 'launcher', 'nginx'] as const
type Part = (typeof PARTS)[number]
type Weights = Record<Part, number>

/** Memory for each app that runs, from 1,000 apps to 50,000: the resident set of a fresh cluster with each, kB. */
export async function benchMemory(): Promise<Report> {
  const backends = await startBackends(16)
  const rounds: Record<number, Weights>[] = []
  try {
    for (let round = 0; round < ROUNDS; round += 1) {
      const weights: Record<number, Weights> = {}
      for (const size of SIZES) {
        process.stderr.write(`  ${size} apps\n`)
        const before = (url: string) => seedApps(url, size, backends.ports)
        const cluster = await startCluster(FLAGS, { before })
        try {
          weights[size] = await weigh(cluster, seedName(size - 1))
        } finally {
          await cluster.stop()
        }
      }
      rounds.push(weights)
    }
  } finally {
    await backends.stop()
  }
  const last = rounds.at(-1) ?? {}
  const rows = PARTS.map((part) => {
    const [few, many] = SIZES.map((size) => last[size]?.[part] ?? Number.NaN) as [number, number]
    const perApp = (many - few) / (SIZES[1] - SIZES[0])
    const mib = (kb: number): string => `${(kb / 1024).toFixed(0)} MiB`
    return {
      metric: `memory of the ${part} for each app`,
      against: `slope of its resident set: ${mib(few)} with 1,000 apps, ${mib(many)} with 50,000`,
      figure: `${perApp.toFixed(2)} kB`,
      bar: '<= 2 kB',
      reached: perApp <= 2,
      mark: { label: part, middle: perApp, bar: 2 },
    }
  })
  return { rows, unit: 'kB for each app', data: { rounds } }
}

async function weigh(cluster: Cluster, app: string): Promise<Weights> {
  const answer = await askUntil(cluster.origin, `/${app}/`, ({ status }) => status === 200, 90)
  if (answer?.status !== 200) throw new Error(`${app} does not answer: ${answer?.text}`)
  await new Promise((resolve) => setTimeout(resolve, REST * 1000))
  const pids = family(cluster.pid)
  const of = (part: Part): number => memory(pids.filter((pid) => roleOf(pid) === part)).rss
  return { controller: of('controller'), launcher: of('launcher'), nginx: of('nginx') }
}
