import { expect, it } from 'vitest'
import { Catalog } from '../../../launcher/catalog.ts'
import { Guesses } from '../../../launcher/place/guesses.ts'
import { App, type AppInput } from '../../../model/app.ts'
import { Keys } from '../../../model/key.ts'
import { Host } from '../../../model/record.ts'
import { State } from '../../../model/state.ts'

const keys = new Keys()

function hostOf(name: string, number: number): Host {
  const address = `10.9.0.${number}`
  const engine = `tcp://${address}:2376`
  return Host.parse({ name, address, engine, publish: address, memory: 1, cpus: 1 })
}
const appOf = (more: Partial<AppInput> = {}) => App.parse({ name: 'shop', image: 'app:1', ...more })

/** A launcher that knows these hosts. */
function open(...names: string[]) {
  const networks = [{ family: 4 as const, bits: 0n, prefix: 0 }]
  const catalog = new Catalog(new State(keys, { networks, denied: new Set() }), keys)
  const hosts = names.map((name, i) => hostOf(name, i + 1))
  let revision = 0
  const put = (key: string, value: object): void => {
    const at = String(++revision)
    const entry = { key, value: JSON.stringify(value), lease: '0', modRevision: at }
    catalog.apply([{ type: 'put', entry: { ...entry, createRevision: at } }], at)
  }
  for (const host of hosts) put(keys.named('host', host.name), host)
  return { guesses: new Guesses(catalog), hosts, put, catalog }
}

it('is the only host, or the one of the last start, or nothing', () => {
  const alone = open('h1')
  expect(alone.guesses.of(appOf())?.name).toBe('h1')
  const { guesses, hosts } = open('h1', 'h2')
  expect(guesses.of(appOf())).toBeNull()
  for (const host of hosts) guesses.note(appOf(), host)
  expect(guesses.of(appOf({ name: 'SHOP' }))?.name).toBe('h2')
})

it('is no host that is gone or drained', () => {
  const { guesses, hosts, put, catalog } = open('h1', 'h2', 'h3')
  const [, , third] = hosts
  if (third) guesses.note(appOf(), third)
  put(keys.named('drain', 'h3'), { since: new Date().toISOString() })
  expect(guesses.of(appOf())).toBeNull()
  catalog.apply([{ type: 'delete', key: keys.named('drain', 'h3'), seen: true }], '90')
  expect(guesses.of(appOf())?.name).toBe('h3')
  catalog.apply([{ type: 'delete', key: keys.named('host', 'h3'), seen: true }], '91')
  expect(guesses.of(appOf())).toBeNull()
})

it('is nothing for one of several instances, or one that needs others first', () => {
  const { guesses } = open('h1')
  expect(guesses.of(appOf({ replicas: 2 }))).toBeNull()
  expect(guesses.of(appOf({ dependsOn: ['db'] }))).toBeNull()
})
