import { expect, test } from 'vitest'
import { registrarMetrics } from '../../adapters/metrics.ts'

/** The least delay of the event loop that an answer tells of, seconds. */
const leastOf = (text: string): number =>
  Number(/^nodejs_eventloop_lag_min_seconds\{.*\} (\S+)$/m.exec(text)?.[1])

test('whoever asks, alone, with others or right after them, is told delays that there were', async () => {
  const { registry } = registrarMetrics()
  const together = await Promise.all([registry.metrics(), registry.metrics()])
  const after = await registry.metrics()
  for (const text of [...together, after]) {
    expect(leastOf(text)).toBeGreaterThan(0)
    expect(leastOf(text)).toBeLessThan(60)
  }
})

test('an answer has what was counted before it was asked for', async () => {
  const { registry, sleeps } = registrarMetrics()
  for (const count of [1, 2, 3]) {
    sleeps.inc({ result: 'slept' })
    expect(await registry.metrics()).toMatch(
      new RegExp(`^reveille_sleeps_total\\{.*\\} ${count}$`, 'm'),
    )
  }
})
