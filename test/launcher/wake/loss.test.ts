import { setMaxListeners } from 'node:events'
import { setTimeout as pause } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { Catalog } from '../../../launcher/catalog.ts'
import { lossOf } from '../../../launcher/wake/loss.ts'
import { Keys } from '../../../model/key.ts'
import { Host } from '../../../model/record.ts'
import { State } from '../../../model/state.ts'

const host = Host.parse({
  ...{ name: 'h1', address: '10.9.0.1', engine: 'tcp://10.9.0.1:2376', publish: '10.9.0.1' },
  ...{ memory: 2 ** 30, cpus: 2, images: [] },
})

/** Fifty starts on one host, whose engine answers pings by `ping`. */
function crowd(ping: () => Promise<void>): { losses: Promise<never>[]; end(): void } {
  const keys = new Keys()
  const networks = [{ family: 4 as const, bits: 0n, prefix: 0 }]
  const catalog = new Catalog(new State(keys, { networks, denied: new Set() }), keys)
  const entry = { key: keys.named('host', host.name), value: JSON.stringify(host) }
  const revisions = { modRevision: '1', createRevision: '1', lease: '7' }
  catalog.apply([{ type: 'put', entry: { ...entry, ...revisions } }], '1')
  const ending = new AbortController()
  setMaxListeners(0, ending.signal)
  const engine = { ping }
  const losses = Array.from({ length: 50 }, (_, index) => {
    const watched = { app: `app-${index}`, host, engine, hasChoice: async () => true }
    return lossOf(watched, catalog, ending.signal)
  })
  return { losses, end: () => ending.abort() }
}

it('asks the engine for a sign of life once for all who start something on its host', async () => {
  let pings = 0
  const { losses, end } = crowd(async () => void (pings += 1))
  const first = await Promise.race([...losses, pause(2_500, 'alive')])
  end()
  expect(first).toBe('alive')
  expect(pings).toBeGreaterThan(0)
  expect(pings).toBeLessThan(10)
})

it('gives the host up for each of them when it was silent twice', async () => {
  let pings = 0
  const { losses } = crowd(async () => {
    pings += 1
    throw new Error('no answer')
  })
  for (const loss of losses) await expect(loss).rejects.toThrow('its engine does not answer')
  expect(pings).toBeGreaterThanOrEqual(2)
  expect(pings).toBeLessThan(10)
})
