import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { cpuMicroseconds } from './cpu.ts'
import { type LoadResult, load } from './load.ts'
import {
  caddy,
  haproxy,
  ourGateway,
  type Proxy,
  startBackends,
  staticNginx,
  type Target,
} from './proxies.ts'
import { type Report, type Row, times } from './report.ts'
import { median, pairedRatio } from './statistics.ts'

const ROUNDS = Number(process.env.BENCH_ROUNDS ?? 5)
const SECONDS = 2
/** Where the apps are: as many in each arm, as who keeps connections to fewer has less to do. */
const BACKENDS = 10
/** Requests go round this many apps at most, spread over the whole list and all backends by a step that divides no arm's size. */
const ASKED = 64
const STEP = 157

/** In this arm all are asked in turn: what is known of an app has left the processor's caches when it is needed again. */
const ALL_ASKED = 'live, 10,000 apps, all asked'

/** Each arm, and how many apps it has. */
const ARMS = {
  'static Nginx': 10,
  'live, 10 apps': 10,
  'live, 64 apps': ASKED,
  'live, 1,000 apps': 1000,
  'live, 10,000 apps': 10_000,
  [ALL_ASKED]: 10_000,
  'reload, 10 apps': 10,
  HAProxy: 10,
  Caddy: 10,
} as const
type Arm = keyof typeof ARMS

/** Microseconds of CPU per request, requests per second, and at half load the p99 in milliseconds. */
type Figures = Record<'cpu' | 'perSecond' | 'p99', number>
type Round = Record<Arm, Figures>

/**
 * Warm requests: the gateway by its template alone, a static Nginx written by hand, HAProxy and Caddy, all with the same
 * headers and kept-alive connections to the same backends. All take turns in each round, each time in another order.
 */
export async function benchWarm(): Promise<Report> {
  const backends = await startBackends(BACKENDS)
  // Where the gateway reports used apps, as it does to a controller.
  const socket = createSocket('udp4').bind(0, '127.0.0.1')
  await once(socket, 'listening')
  const activity = `127.0.0.1:${socket.address().port}`
  const targets = (size: number): Target[] =>
    Array.from({ length: size }, (_, i) => ({
      name: `app-${String(i).padStart(5, '0')}`,
      at: `127.0.0.1:${backends.ports[i % backends.ports.length]}`,
    }))
  const started = new Map<Arm, Proxy>()
  try {
    for (const [arm, size] of Object.entries(ARMS) as [Arm, number][])
      started.set(arm, await start(arm, targets(size), activity))
    const rounds = await measureAll(started, (arm) => pathsOf(arm, targets(ARMS[arm])))
    return { rows: rowsOf(rounds), unit: 'times what the static Nginx takes', data: { rounds } }
  } finally {
    for (const proxy of started.values()) await proxy.stop()
    socket.close()
    await backends.stop()
  }
}

function start(arm: Arm, targets: Target[], activity: string): Promise<Proxy> {
  if (arm === 'static Nginx') return staticNginx(targets)
  if (arm === 'HAProxy') return haproxy(targets)
  if (arm === 'Caddy') return caddy(targets)
  return ourGateway(targets, { live: arm.startsWith('live'), activity })
}

function pathsOf(arm: Arm, targets: readonly Target[]): string[] {
  const asked = Math.min(targets.length, arm === ALL_ASKED ? targets.length : ASKED)
  return Array.from(
    { length: asked },
    (_, i) => `/${targets[(i * STEP) % targets.length]?.name}/page?x=1`,
  )
}

async function measureAll(
  proxies: Map<Arm, Proxy>,
  paths: (arm: Arm) => string[],
): Promise<Round[]> {
  const rounds: Round[] = []
  let rate = 0
  // The first one is for warming up: it counts for nothing but the rate that is half of the gateway's.
  for (let round = 0; round <= ROUNDS; round += 1) {
    const order = [...proxies.keys()]
    order.push(...order.splice(0, round % order.length))
    const found = {} as Round
    for (const arm of order) {
      const proxy = proxies.get(arm) as Proxy
      const ask = async (options: { rate?: number }): Promise<LoadResult> => {
        const result = await load(proxy.folder, proxy.origin, paths(arm), {
          seconds: SECONDS,
          ...options,
        })
        if (result.failed > 0) throw new Error(`${result.failed} requests failed at ${arm}`)
        return result
      }
      const before = cpuMicroseconds(proxy.workers)
      const { requests, perSecond } = await ask({})
      const cpu = (cpuMicroseconds(proxy.workers) - before) / requests
      const p99 = rate > 0 ? (await ask({ rate })).p99 : 0
      found[arm] = { cpu, perSecond, p99 }
    }
    if (round > 0) rounds.push(found)
    else rate = found['live, 10 apps'].perSecond / 2
  }
  return rounds
}

function rowsOf(rounds: readonly Round[]): Row[] {
  const over = (arm: Arm, against: Arm, figure: keyof Figures) =>
    pairedRatio(rounds.map((round) => ({ a: round[against][figure], b: round[arm][figure] })))
  const middle = (arm: Arm, figure: keyof Figures) =>
    median(rounds.map((round) => round[arm][figure]))
  const base = 'static Nginx'
  const row = (arm: Arm, figure: keyof Figures, words: string, unit: string, bar?: number): Row => {
    const ratio = over(arm, base, figure)
    return {
      metric: `${words}, ${arm}`,
      against: `static Nginx by hand, 10 apps: ${middle(base, figure).toFixed(1)} ${unit}`,
      figure: times(ratio),
      ...(bar !== undefined && { bar: `<= ${bar}x`, reached: ratio.ratio <= bar }),
      mark: {
        label: `${words}, ${arm}`,
        middle: ratio.ratio,
        low: ratio.min,
        high: ratio.max,
        ...(bar !== undefined && { bar }),
      },
    }
  }
  const arms = (Object.keys(ARMS) as Arm[]).filter((arm) => arm !== base)
  // Of as many that are asked: it is about how many there are.
  const flat = over('live, 10,000 apps', 'live, 64 apps', 'cpu')
  const other = over('live, 10 apps', 'Caddy', 'cpu')
  return [
    ...arms.map((arm) => row(arm, 'cpu', 'CPU', 'us', arm === 'live, 10 apps' ? 1.4 : undefined)),
    {
      metric: `CPU, live, 10,000 apps, ${ASKED} asked`,
      against: 'live, 64 apps',
      figure: times(flat),
      bar: '<= 1.05x',
      reached: flat.ratio <= 1.05,
    },
    {
      metric: 'CPU, live, 10 apps',
      against: 'Caddy, 10 apps',
      figure: times(other),
      bar: '<= 0.4x',
      reached: other.ratio <= 0.4,
    },
    ...arms.map((arm) => row(arm, 'perSecond', 'requests/s', 'a second')),
    ...arms.map((arm) => row(arm, 'p99', 'p99 at half load', 'ms')),
  ]
}
