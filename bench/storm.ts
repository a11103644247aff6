import type { LabFleet, LabHost } from '../test/lab/fleet/fleet.ts'
import { startFleet } from '../test/lab/fleet/start-fleet.ts'
import { HELLO_IMAGE } from '../test/lab/image.ts'
import { ask } from '../test/system/client.ts'
import type { Report } from './report.ts'
import { pairedRatio, rankCorrelation } from './statistics.ts'
import { containerOf, makeTwin, type Twin } from './twin.ts'

const APPS = 50
const ROUNDS = Number(process.env.BENCH_STORMS ?? 3)
/** Starts at once on one engine that the direct arm is tried with, to find the best. */
const WIDTHS = [1, 2, 4, 8]
/** Of the twins, each on the address of its host. */
const PORT = 21_000

interface Pair {
  name: string
  host: LabHost
  twin: Twin
}

/**
 * Fifty sleeping apps asked for at once, over three hosts, against the same fifty starts sent straight to the engines
 * with the concurrency that serves these best. Both arms take turns and have their containers on the same hosts.
 */
export async function benchStorm(): Promise<Report> {
  const fleet = await startFleet()
  try {
    const pairs = await prepare(fleet)
    const widths: { width: number; took: number }[] = []
    for (const width of WIDTHS) widths.push({ width, took: await startAll(pairs, width) })
    const best = widths.reduce((one, other) => (other.took < one.took ? other : one)).width
    const rounds: { direct: number; gateway: number; fairness: number }[] = []
    for (let round = 0; round < ROUNDS; round++) {
      const direct = await startAll(pairs, best)
      const { took, order } = await wakeAll(fleet, pairs)
      rounds.push({ direct, gateway: took, fairness: rankCorrelation(order) })
    }
    const ratio = pairedRatio(rounds.map(({ direct, gateway }) => ({ a: direct, b: gateway })))
    const fairness = Math.min(...rounds.map((round) => round.fairness))
    const spread = fleet.hosts.map((host) => pairs.filter((pair) => pair.host === host).length)
    return {
      rows: [
        {
          metric: `${APPS} apps woken at once over ${fleet.hosts.length} hosts (${spread.join('/')}), until the last answer (n=${ROUNDS})`,
          against: `the same starts by the engines' API, ${best} at once on each`,
          figure: `${ratio.ratio.toFixed(2)}x [${ratio.min.toFixed(2)}-${ratio.max.toFixed(2)}]`,
          bar: '<= 1.15x',
          reached: ratio.ratio <= 1.15,
        },
        {
          metric: '  answered in the order they were asked, lowest rank correlation of a round',
          against: '1 is the same order, 0 is none',
          figure: fairness.toFixed(2),
        },
      ],
      data: { rounds, widths, best, spread },
    }
  } finally {
    await fleet.stop()
  }
}

/** Adds the apps, wakes each once so that it has its container, and makes a twin beside each. */
async function prepare(fleet: LabFleet): Promise<Pair[]> {
  const names = Array.from({ length: APPS }, (_, index) => `storm-${index}`)
  for (const name of names)
    await fleet.add({ name, image: HELLO_IMAGE, idleAfter: '1h', limits: { memory: '64m' } })
  await Promise.all(names.map((name, index) => wake(fleet, name, index)))
  const pairs = await Promise.all(
    names.map(async (name, index) => {
      for (const host of fleet.hosts) {
        const model = await containerOf(host.docker, name).catch(() => null)
        if (!model) continue
        const place = { name: `twin-${index}`, address: host.address, port: PORT + index }
        return { name, host, twin: await makeTwin(host.docker, model, place) }
      }
      throw new Error(`${name} runs nowhere`)
    }),
  )
  await sleepAll(fleet, pairs)
  return pairs
}

/** Milliseconds until the last twin answers, `width` starts at once on each engine. They are stopped afterwards. */
async function startAll(pairs: Pair[], width: number): Promise<number> {
  const began = performance.now()
  await eachHost(pairs, width, (pair) => pair.twin.start())
  const took = performance.now() - began
  await eachHost(pairs, 4, (pair) => pair.twin.stop())
  return took
}

async function eachHost(
  pairs: Pair[],
  width: number,
  work: (pair: Pair) => Promise<unknown>,
): Promise<void> {
  const queues = new Map<LabHost, Pair[]>()
  for (const pair of pairs) queues.set(pair.host, [...(queues.get(pair.host) ?? []), pair])
  const lane = async (queue: Pair[]): Promise<void> => {
    for (let pair = queue.shift(); pair; pair = queue.shift()) await work(pair)
  }
  await Promise.all(
    [...queues.values()].flatMap((queue) => Array.from({ length: width }, () => lane(queue))),
  )
}

/** Milliseconds until the last app answered, and the apps' numbers in the order they did. They sleep afterwards. */
async function wakeAll(fleet: LabFleet, pairs: Pair[]): Promise<{ took: number; order: number[] }> {
  const order: number[] = []
  const began = performance.now()
  await Promise.all(
    pairs.map(({ name }, index) => wake(fleet, name, index).then(() => order.push(index))),
  )
  const took = performance.now() - began
  await sleepAll(fleet, pairs)
  return { took, order }
}

/** The gateways take turns. */
async function wake(fleet: LabFleet, name: string, index: number): Promise<void> {
  const { origin } = fleet.gateways[index % fleet.gateways.length] ?? {}
  if (origin === undefined) throw new Error('the fleet has no gateway')
  const answer = await ask(origin, `/${name}/`)
  if (answer.status !== 200) throw new Error(`${name} answered ${answer.status}: ${answer.text}`)
}

async function sleepAll(fleet: LabFleet, pairs: Pair[]): Promise<void> {
  await eachHost(pairs, 4, async ({ name }) => {
    const answer = await fleet.launchers[0]?.api('POST', `/v1/apps/${name}/sleep`)
    if (answer?.status !== 200) throw new Error(`${name} does not sleep: ${answer?.text}`)
  })
}
