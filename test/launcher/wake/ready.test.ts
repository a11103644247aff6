import { setTimeout as pause } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { Catalog } from '../../../launcher/catalog.ts'
import { waitReady } from '../../../launcher/wake/ready.ts'
import { App } from '../../../model/app.ts'
import { Keys } from '../../../model/key.ts'
import { State } from '../../../model/state.ts'

it('looks at no container once its Endpoint is there', async () => {
  const keys = new Keys()
  const networks = [{ family: 4 as const, bits: 0n, prefix: 0 }]
  const catalog = new Catalog(new State(keys, { networks, denied: new Set() }), keys)
  const looks: string[] = []
  const engine = {
    wait: () => new Promise<number>(() => {}),
    inspect: (id: string) => {
      looks.push(id)
      return Promise.resolve(null)
    },
  } as unknown as Parameters<typeof waitReady>[0]['engine']
  const app = App.parse({ name: 'shop', image: 'shop:1' })
  const starting = { app, slot: 0, engine, id: 'c1', report: () => {} }
  const ready = waitReady(starting, catalog, new AbortController().signal)
  const [key, value] = [keys.endpoint('shop', 0), '10.9.0.1:8000']
  const entry = { key, value, modRevision: '2', createRevision: '2', lease: '0' }
  catalog.apply([{ type: 'put', entry }], '2')
  expect(await ready).toMatchObject({ host: '10.9.0.1', port: 8000 })
  await pause(50)
  expect(looks).toEqual([])
})
