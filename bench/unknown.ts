import { ask } from '../test/system/client.ts'
import { startCluster } from '../test/system/cluster.ts'
import type { Report } from './report.ts'
import { median, summarise } from './statistics.ts'

const PAIRS = 300

/** The 404 of a name that nobody knows, against a warm request, one after the other. */
export async function benchUnknown(): Promise<Report> {
  const cluster = await startCluster()
  try {
    await cluster.add({ name: 'warm', image: 'reveille-test/app:1', idleAfter: '1h' })
    await ask(cluster.origin, '/warm/')
    await new Promise((resolve) => setTimeout(resolve, 2000))
    const pairs: { warm: number; unknown: number }[] = []
    for (let i = 0; i < PAIRS; i += 1) {
      const warm = await ask(cluster.origin, '/warm/')
      const unknown = await ask(cluster.origin, `/nobody-${i}/`)
      if (warm.status !== 200 || unknown.status !== 404)
        throw new Error(`expected 200 and 404, got ${warm.status} and ${unknown.status}`)
      pairs.push({ warm: warm.took, unknown: unknown.took })
    }
    const ratio = summarise(pairs.map((pair) => pair.unknown / pair.warm))
    const ms = (values: number[]): string => `${median(values).toFixed(2)} ms`
    return {
      rows: [
        {
          metric: `404 of an unknown name, ratio p50 (n=${PAIRS})`,
          against: `a warm request to a Node app, ${ms(pairs.map((pair) => pair.warm))}`,
          figure: `${ratio.p50.toFixed(2)}x, ${ms(pairs.map((pair) => pair.unknown))}`,
          bar: '<= 1.5x',
          reached: ratio.p50 <= 1.5,
        },
      ],
      data: { ratio, pairs },
    }
  } finally {
    await cluster.stop()
  }
}
