import { describe, expect, test } from 'vitest'
import type { Container } from '../../model/container.ts'
import { type Health, parseHealth } from '../../model/health.ts'
import { advance, discovered, type Fact, type Phase } from '../../registrar/instance.ts'

const endpoint = { host: '172.17.0.1', port: 32768 }
const spec = (health = 'auto') => ({
  ...{ app: 'A', slot: 0, port: 8000, idleAfter: 300, stopTimeout: 10, min: 0, revision: '' },
  health: parseHealth(health) as Health,
})
const runs = (health: Container['health'] = 'none', routed = false): Fact => ({
  ...{ type: 'runs', endpoint, pid: 7, health, routed },
})
const good: Fact = { type: 'probed', ok: true }
const bad: Fact = { type: 'probed', ok: false }
const healthy: Fact = { type: 'health', healthy: true }
const unhealthy: Fact = { type: 'health', healthy: false }
const stopped: Fact = { type: 'stopped' }

const after = (facts: Fact[], health?: string) =>
  facts.reduce(advance, discovered('c1', spec(health)))
const phases = (facts: Fact[], health?: string): Phase => after(facts, health).phase

describe('an instance', () => {
  test.each<[string, Fact[], Phase, string?]>([
    ['is stopped until it is seen to run', [], 'stopped'],
    ['starts', [runs()], 'starting'],
    ['is ready with the first good probe', [runs(), bad, bad, good], 'ready'],
    ['stays ready over two bad probes', [runs(), good, bad, bad], 'ready'],
    ['stays ready when bad probes are not in a row', [runs(), good, bad, bad, good, bad], 'ready'],
    ['is unready after three bad probes', [runs(), good, bad, bad, bad], 'unready'],
    ['is ready again when it answers again', [runs(), good, bad, bad, bad, good], 'ready'],
    ['is ready at once where etcd has it already', [runs('none', true)], 'ready'],
    ['that ended is not revived by a late probe', [runs(), good, stopped, good], 'stopped'],
    ['that ended starts again from the beginning', [runs(), good, stopped, runs()], 'starting'],
    ['is ready when the engine calls it healthy', [runs('starting'), healthy], 'ready'],
    ['is ready when it is found healthy', [runs('healthy')], 'ready'],
    ['is unhealthy when the engine says so', [runs('healthy'), unhealthy], 'unhealthy'],
    ['is not healed by a probe', [runs('healthy'), unhealthy, good], 'unhealthy'],
    ['is healed by the engine', [runs('healthy'), unhealthy, healthy], 'ready'],
    ['is found unhealthy', [runs('unhealthy')], 'unhealthy'],
    ['is found unhealthy though etcd has it', [runs('unhealthy', true)], 'unhealthy'],
    ['is found healed by a list', [runs('unhealthy'), runs('healthy')], 'ready'],
    ['that starts slowly is not given up', [runs('starting'), unhealthy], 'starting'],
    ['asked by TCP ignores the HEALTHCHECK', [runs('starting'), good, unhealthy], 'ready', 'tcp'],
    ['without a HEALTHCHECK ignores health', [runs(), healthy], 'starting'],
  ])('%s', (_, facts, phase, health) => {
    expect(phases(facts, health)).toBe(phase)
  })

  test('keeps its endpoint and process while it runs, and forgets them when it ends', () => {
    expect(after([runs(), good])).toMatchObject({ endpoint, pid: 7 })
    expect(after([runs(), good, stopped])).toMatchObject({ endpoint: null, pid: 0 })
  })

  test('that moved to another port is another run', () => {
    const moved: Fact = {
      ...(runs() as Fact & { type: 'runs' }),
      endpoint: { ...endpoint, port: 1 },
    }
    expect(after([runs(), good, moved])).toMatchObject({ phase: 'starting', endpoint: { port: 1 } })
  })

  test('is the same value where a fact changes nothing', () => {
    const ready = after([runs(), good])
    for (const fact of [good, runs(), healthy]) expect(advance(ready, fact)).toBe(ready)
    const none = discovered('c1', spec())
    expect(advance(none, stopped)).toBe(none)
  })
})
