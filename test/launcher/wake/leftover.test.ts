import { setTimeout as pause } from 'node:timers/promises'
import { beforeEach, expect, it } from 'vitest'
import { Catalog } from '../../../launcher/catalog.ts'
import type { Engine } from '../../../launcher/engine.ts'
import { halt } from '../../../launcher/wake/leftover.ts'
import { App } from '../../../model/app.ts'
import { Keys } from '../../../model/key.ts'
import { Host } from '../../../model/record.ts'
import { State } from '../../../model/state.ts'

const app = App.parse({ name: 'shop', image: 'shop:1', stopTimeout: '30s' })
const host = Host.parse({
  ...{ name: 'h1', address: '10.9.0.1', engine: 'tcp://10.9.0.1:2376', publish: '10.9.0.1' },
  ...{ memory: 2 ** 30, cpus: 2, images: [] },
})
const keys = new Keys()
let catalog: Catalog
let stops: [string, number][]
let isValid: boolean
let ping: () => Promise<void>

beforeEach(() => {
  const networks = [{ family: 4 as const, bits: 0n, prefix: 0 }]
  catalog = new Catalog(new State(keys, { networks, denied: new Set() }), keys)
  stops = []
  isValid = true
  ping = async () => {}
})

function halted(begun: Promise<unknown> = Promise.resolve()): Promise<void> {
  const engine = {
    ping: () => ping(),
    stop: async (id: string, seconds: number) => void stops.push([id, seconds]),
  } as unknown as Engine
  const copy = { app, slot: 0, host, begun, id: 'c1', claim: { valid: () => isValid } }
  return halt(copy, catalog, { at: () => engine })
}

/** Its Endpoint comes. */
function register(endpoint: string): void {
  const entry = { key: keys.endpoint('shop', 0), value: endpoint, lease: '7' }
  catalog.apply([{ type: 'put', entry: { ...entry, modRevision: '2', createRevision: '2' } }], '2')
}

it('stops what was started, which nobody has reached yet and need not wait for', async () => {
  await halted()
  register('10.9.0.2:8000')
  await halted()
  expect(stops).toEqual([
    ['c1', 2],
    ['c1', 2],
  ])
})

it('stops nothing that is routed after all, be it at the last moment', async () => {
  ping = async () => register('10.9.0.1:8000')
  await halted()
  await halted()
  expect(stops).toEqual([])
})

it('stops nothing once somebody else may have the slot', async () => {
  isValid = false
  await halted()
  isValid = true
  ping = async () => {
    isValid = false
  }
  await halted()
  expect(stops).toEqual([])
})

it('waits for a start under way, but not for ever, and then leaves it to who has the slot', async () => {
  let go = (): void => {}
  const begun = new Promise<void>((resolve) => {
    go = resolve
  })
  await halted(begun)
  go()
  await pause(10)
  expect(stops).toEqual([])
})
