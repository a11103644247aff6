import { connect, type Socket } from 'node:net'
import { labEngine } from '../test/lab/engine.ts'
import { APP_IMAGE } from '../test/lab/image.ts'
import { startCluster } from '../test/system/cluster.ts'
import { countStarts } from '../test/system/starts.ts'
import type { Report } from './report.ts'
import { median, summarise } from './statistics.ts'

const CLIENTS = 1000
const ROUNDS = Number(process.env.BENCH_HERDS ?? 5)

/** What a herd got: milliseconds from the last question to the first and to the last answer. */
interface Herd {
  good: number
  first: number
  last: number
}

/**
 * A thousand clients, connected beforehand, ask a sleeping app at once: how often it is started, who is answered, and
 * how far apart they are. The same thousand ask the app while it is awake: that far apart it serves them by itself.
 */
export async function benchHerd(): Promise<Report> {
  const cluster = await startCluster()
  try {
    await cluster.add({ name: 'herd', image: APP_IMAGE, idleAfter: '1h' })
    const rounds: { cold: Herd; warm: Herd; starts: number }[] = []
    for (let round = 0; round <= ROUNDS; round += 1) {
      const starts = await countStarts(labEngine().url, 'herd')
      const cold = await herd(cluster.origin, '/herd/')
      const warm = await herd(cluster.origin, '/herd/')
      const count = await starts.stop()
      // The first one makes the container.
      if (round > 0) rounds.push({ cold, warm, starts: count })
      const asleep = await cluster.api('POST', '/v1/apps/herd/sleep')
      if (asleep.status !== 200) throw new Error(`herd does not sleep: ${asleep.text}`)
      // Events of the engine are told apart by whole seconds.
      await new Promise((resolve) => setTimeout(resolve, 1100))
    }
    const starts = Math.max(...rounds.map((each) => each.starts))
    const good = Math.min(...rounds.map(({ cold }) => cold.good))
    const spread = summarise(rounds.map(({ cold }) => cold.last - cold.first))
    const warm = summarise(rounds.map((each) => each.warm.last - each.warm.first))
    const more = median(
      rounds.map(({ cold, warm: w }) => cold.last - cold.first - (w.last - w.first)),
    )
    return {
      rows: [
        {
          metric: `1,000 clients at once on one cold app: most starts of a round (n=${ROUNDS})`,
          against: '',
          figure: String(starts),
          bar: '1',
          reached: starts === 1,
        },
        {
          metric: '  answers of 200, fewest of a round',
          against: '',
          figure: String(good),
          bar: String(CLIENTS),
          reached: good === CLIENTS,
        },
        {
          metric: '  last answer after the first, median / most',
          against: `the same while the app is awake: ${warm.p50.toFixed(0)} ms; difference ${more.toFixed(0)} ms`,
          figure: `${spread.p50.toFixed(0)} / ${spread.max.toFixed(0)} ms`,
          bar: '<= 300 ms',
          reached: spread.p50 <= 300,
          mark: {
            label: 'app asleep',
            middle: spread.p50,
            low: spread.min,
            high: spread.max,
            bar: 300,
          },
        },
        {
          metric: '  the same while the app is awake',
          against: '',
          figure: `${warm.p50.toFixed(0)} / ${warm.max.toFixed(0)} ms`,
          mark: { label: 'app awake', middle: warm.p50, low: warm.min, high: warm.max },
        },
      ],
      unit: 'milliseconds from the first answer to the last of 1,000',
      data: { rounds },
    }
  } finally {
    await cluster.stop()
  }
}

async function herd(origin: string, path: string): Promise<Herd> {
  const { hostname, port, host } = new URL(origin)
  const sockets = await Promise.all(
    Array.from({ length: CLIENTS }, () => connected(hostname, Number(port))),
  )
  const answers = sockets.map((socket) => answered(socket))
  for (const socket of sockets) socket.write(`GET ${path} HTTP/1.1\r\nHost: ${host}\r\n\r\n`)
  const asked = performance.now()
  const all = await Promise.all(answers)
  for (const socket of sockets) socket.destroy()
  const times = all.map(({ at }) => at - asked)
  return {
    good: all.filter(({ status }) => status === 200).length,
    first: Math.min(...times),
    last: Math.max(...times),
  }
}

function connected(host: string, port: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, host, () => resolve(socket))
    socket.once('error', reject)
  })
}

/** The status of the next answer, 0 if the connection ends without one, and when it came. */
function answered(socket: Socket): Promise<{ status: number; at: number }> {
  return new Promise((resolve) => {
    const done = (status: number): void => resolve({ status, at: performance.now() })
    socket.once('data', (head: Buffer) => done(Number(head.toString('latin1', 9, 12))))
    socket.once('error', () => done(0))
    socket.once('close', () => done(0))
  })
}
