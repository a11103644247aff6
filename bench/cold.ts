import Docker from 'dockerode'
import { labEngine } from '../test/lab/engine.ts'
import { APP_IMAGE } from '../test/lab/image.ts'
import { ask } from '../test/system/client.ts'
import { type Cluster, startCluster } from '../test/system/cluster.ts'
import { coldRows, type Wake, type Woken } from './cold-rows.ts'
import type { Report } from './report.ts'
import { containerOf, makeTwin, type Twin } from './twin.ts'

const PAIRS = Number(process.env.BENCH_PAIRS ?? 30)
/** Of the twins, in the engine's own network. */
const PORT = 24_990
/** How long the app takes until it listens, milliseconds. */
const DELAYS = [0, 1000]

const NETWORKS = ['bridge', 'sandbox'] as const
type Network = (typeof NETWORKS)[number]
const nameOf = (network: Network, delay: number): string => `cold-${network}-${delay}`

/**
 * Cold first byte: a sleeping app through the whole of Reveille, in each network, against a twin of its container in a
 * network of the same kind, started by the engine's API alone and asked in a tight loop. All take turns, so that a busy
 * moment of the machine meets each.
 */
export async function benchCold(): Promise<Report> {
  const cluster = await startCluster()
  const engine = labEngine()
  const docker = new Docker({ socketPath: engine.url.replace('unix://', '') })
  const wakes: Wake[] = []
  try {
    for (const [index, delay] of DELAYS.entries()) {
      for (const network of NETWORKS) await add(cluster, network, delay)
      const twins = {} as Record<Network, Twin>
      for (const [which, network] of NETWORKS.entries()) {
        const name = nameOf(network, delay)
        const port = PORT + index * NETWORKS.length + which
        const place = { name: `twin-${name}`, address: engine.address, port }
        twins[network] = await makeTwin(docker, await containerOf(docker, name), place)
      }
      for (let pair = 0; pair < PAIRS; pair += 1) {
        const order = pair % 2 === 0 ? NETWORKS : NETWORKS.toReversed()
        for (const network of order) {
          const name = nameOf(network, delay)
          // Who comes second meets warmer caches.
          const isLast = pair % 4 < 2
          const early = isLast ? await startDirectly(twins[network]) : null
          const woken = await wake(cluster, name)
          const direct = early ?? (await startDirectly(twins[network]))
          wakes.push({ network, delay, direct, ...woken })
        }
      }
      for (const network of NETWORKS) await twins[network].remove()
    }
    return { ...coldRows(wakes, await cluster.metrics()), data: { wakes } }
  } finally {
    await cluster.stop()
  }
}

/** Adds the app, wakes it once so that it has its container, and has it sleep. */
async function add(cluster: Cluster, network: Network, delay: number): Promise<void> {
  const name = nameOf(network, delay)
  const env = { START_DELAY_MS: String(delay) }
  await cluster.add({ name, image: APP_IMAGE, network, idleAfter: '1h', env })
  await ask(cluster.origin, `/${name}/`)
  await sleep(cluster, name)
}

async function sleep(cluster: Cluster, name: string): Promise<void> {
  const answer = await cluster.api('POST', `/v1/apps/${name}/sleep`)
  if (answer.status !== 200) throw new Error(`${name} does not sleep: ${answer.text}`)
}

async function startDirectly(twin: Twin): Promise<Wake['direct']> {
  const figures = await twin.start()
  await twin.stop()
  return figures
}

/** One wake through the gateway, and the launcher's own clock of it. */
async function wake(cluster: Cluster, name: string): Promise<Woken> {
  const { status, text, firstByte } = await ask(cluster.origin, `/${name}/`)
  if (status !== 200) throw new Error(`${name} answered ${status}: ${text}`)
  const line = await lastWoke(cluster, name)
  await sleep(cluster, name)
  return { gateway: firstByte, phases: line }
}

async function lastWoke(cluster: Cluster, name: string): Promise<Record<string, number>> {
  await new Promise((resolve) => setTimeout(resolve, 50))
  const lines = cluster.log().split('\n')
  const line = lines.findLast((each) => each.includes('"msg":"woke"') && each.includes(`"${name}"`))
  return line === undefined ? {} : (JSON.parse(line) as { ms: Record<string, number> }).ms
}
