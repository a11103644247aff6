import { pino } from 'pino'
import { expect, test } from 'vitest'
import type { Store } from '../../adapters/etcd.ts'
import { readIncarnation } from '../../adapters/machine.ts'
import { HostRecord } from '../../registrar/host.ts'
import { Inheritance } from '../../registrar/inheritance.ts'
import { labStore } from '../lab/store.ts'
import { eventually } from './process.ts'

let store: Store
labStore((lab) => void (store = lab.store))

/** A log and what it says. */
function notes() {
  const said: string[] = []
  return { said, log: pino({ level: 'warn' }, { write: (line) => void said.push(line) }) }
}

function inheritance(key: string) {
  const { said, log } = notes()
  return { said, own: new Inheritance({ name: 'h1', incarnation: 'mine', key, store, log }) }
}

test('a machine is the same for every process, and another with another engine', async () => {
  const engine = 'unix:///var/run/docker.sock'
  expect(await readIncarnation(engine)).toBe(await readIncarnation(engine))
  expect(await readIncarnation(engine)).not.toBe(await readIncarnation('unix:///other.sock'))
})

test('the lease of the same machine is taken over at once', async () => {
  const lease = await store.grant(60)
  await store.put('/hosts/same', JSON.stringify({ incarnation: 'mine' }), { lease })
  const { said, own } = inheritance('/hosts/same')
  expect(await own.find(new AbortController().signal)).toBe(lease)
  expect(said).toEqual([])
})

test('a machine of the same name is told of, once, and waited for until it is gone', async () => {
  const lease = await store.grant(60)
  await store.put('/hosts/twin', JSON.stringify({ incarnation: 'theirs' }), { lease })
  const { said, own } = inheritance('/hosts/twin')
  let found: string | null | undefined
  const finding = own.find(new AbortController().signal).then((lease) => {
    found = lease
  })
  await eventually(() => said.length > 0)
  await new Promise((resolve) => setTimeout(resolve, 400))
  expect(found).toBeUndefined()
  expect(said).toEqual([expect.stringContaining('another machine registers as host h1')])
  await store.revoke(lease)
  await finding
  expect(found).toBeNull()
})

test('the record of a machine of the same name is not overwritten while it is alive', async () => {
  const key = '/hosts/kept'
  const theirs = await store.grant(60)
  const ours = await store.grant(60)
  const record = JSON.stringify({ incarnation: 'theirs' })
  await store.put(key, record, { lease: theirs })
  const { said, log } = notes()
  const ending = new AbortController()
  const host = new HostRecord({
    ...{ name: 'h1', engine: 'unix:///e.sock', address: '10.0.0.1', key, store, log },
    incarnation: 'mine',
    info: async () => ({ cpus: 1, memory: 1, bridge: '', images: [], root: '' }),
    labels: {},
    space: async () => null,
    paused: () => [],
    lease: () => ours,
  })
  const running = host.run(ending.signal)
  await eventually(() => said.length > 0)
  await new Promise((resolve) => setTimeout(resolve, 400))
  expect((await store.get(key))?.value).toBe(record)
  expect(said).toHaveLength(1)
  await store.revoke(theirs)
  await eventually(async () => (await store.get(key))?.lease === ours)
  ending.abort()
  await running
})
