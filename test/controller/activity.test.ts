import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { Activity } from '../../controller/activity.ts'
import { Naming } from '../../controller/naming.ts'
import { GatewayRecord, listed } from '../../controller/record.ts'

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

describe('Activity', () => {
  const writes: string[] = []
  const activity = () => {
    writes.length = 0
    return new Activity({
      store: { put: async (key) => writes.push(key) },
      key: (app) => `/services/activity/${app}`,
      routed: (app) => app === 'shop',
    })
  }
  const line = (app: string) => `<190>Nov 21 03:00:00 reveille: app_${app}`

  it('writes the first use at once and folds the rest into one write per two seconds', async () => {
    const reports = activity()
    reports.report(line('shop'))
    expect(writes).toEqual(['/services/activity/shop'])
    for (let i = 0; i < 40; i++) {
      await vi.advanceTimersByTimeAsync(100)
      reports.report(line('shop'))
    }
    await vi.advanceTimersByTimeAsync(10_000)
    expect(writes).toHaveLength(4)
    reports.report(line('shop'))
    expect(writes).toHaveLength(5)
  })

  it('is deaf to whatever is no use of a routed app', () => {
    const reports = activity()
    for (const text of ['', 'app_', line('other'), line('shop/../x'), 'shop', `${line('shop')} x`])
      reports.report(text)
    expect(writes).toEqual([])
    reports.report(line('SHOP'))
    expect(writes).toEqual(['/services/activity/shop'])
  })

  it('tells it again when etcd was away', async () => {
    let up = false
    let tries = 0
    const reports = new Activity({
      store: {
        put: async () => {
          tries++
          if (!up) throw new Error('away')
        },
      },
      key: String,
      routed: () => true,
    })
    reports.report(line('shop'))
    await vi.advanceTimersByTimeAsync(5000)
    up = true
    await vi.advanceTimersByTimeAsync(5000)
    expect(tries).toBe(4)
    reports.stop()
  })
})

describe('GatewayRecord', () => {
  const gateway = (applied: string) => ({
    id: 'g',
    applied,
    generation: 1,
    endpoints: 0,
    rejected: [],
  })

  it('tells news at once, then folds, and tells the last of it for certain', async () => {
    const puts: string[] = []
    let failing = 0
    const record = new GatewayRecord(
      {
        put: async (_key, value, { lease }) => {
          if (failing-- > 0) throw new Error('away')
          puts.push(`${lease} ${JSON.parse(value).applied}`)
        },
      },
      '/services/gateways/g',
      () => {},
    )
    record.publish(gateway('1'))
    expect(puts).toEqual([]) // no lease yet
    record.renew('7')
    for (const applied of ['2', '3', '4']) record.publish(gateway(applied))
    expect(puts).toEqual(['7 1'])
    await vi.advanceTimersByTimeAsync(1000)
    expect(puts).toEqual(['7 1', '7 4'])
    failing = 3
    record.publish(gateway('5'))
    await vi.advanceTimersByTimeAsync(1000)
    expect(puts.at(-1)).toBe('7 5')
    record.renew('8')
    await vi.advanceTimersByTimeAsync(1000)
    expect(puts).toEqual(['7 1', '7 4', '7 5', '8 5'])
    record.stop()
  })

  it('has room for a hundred rejections, always the same ones', () => {
    const many = Array.from({ length: 300 }, (_, i) => ({ key: String(i), reason: 'x' }))
    expect(listed(many)).toHaveLength(100)
    expect(listed([...many].reverse())).toEqual(listed(many))
  })
})

describe('Naming', () => {
  it('names an entry once a minute, a new reason at once', () => {
    const naming = new Naming()
    expect(naming.isNews({ key: 'a', reason: 'x' }, 0)).toBe(true)
    expect(naming.isNews({ key: 'a', reason: 'x' }, 59_000)).toBe(false)
    expect(naming.isNews({ key: 'a', reason: 'y' }, 59_000)).toBe(true)
    expect(naming.isNews({ key: 'a', reason: 'y' }, 120_000)).toBe(true)
  })
})
