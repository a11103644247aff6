import { pino } from 'pino'
import { expect, test } from 'vitest'
import type { Store } from '../../adapters/etcd.ts'
import { Keys } from '../../model/key.ts'
import { readLabels } from '../../model/label.ts'
import { Cluster } from '../../registrar/cluster.ts'
import { discovered } from '../../registrar/instance.ts'
import { type Member, Roster } from '../../registrar/roster.ts'
import { Sleep } from '../../registrar/sleep.ts'
import type { SleepPorts } from '../../registrar/sleep-ports.ts'
import { labStore } from '../lab/store.ts'

let store: Store
labStore((lab) => void (store = lab.store))

const keys = new Keys()
const never = new AbortController().signal

function member(app: string): Member {
  const labels = readLabels({ 'reveille.app': app })
  if (!labels.ok) throw new Error(labels.reason)
  return new Roster().add(discovered('c1', labels.spec))
}

async function sleepOf(change: Partial<SleepPorts> = {}) {
  const lease = await store.grant(60)
  const standing = { lease: lease as string | null, valid: () => true }
  const stops: string[] = []
  const cluster = new Cluster(keys)
  cluster.observe([], '1')
  const ports: SleepPorts = {
    ...{ store, standing, keys, cluster, log: pino({ level: 'silent' }) },
    fleet: { drain: async () => '1', undrain: () => {}, refresh: async () => {} },
    connections: async () => 0,
    layDown: async ({ instance }) => void stops.push(instance.id),
    host: 'h1',
    tellPaused: async () => {},
    newOwner: () => `h1/${crypto.randomUUID()}`,
    now: () => new Date(),
    ...change,
  }
  return { sleep: new Sleep(ports, 1_000), standing, stops }
}

/** The store, but the first call of `name` happens and its answer is lost. */
function losing(name: 'create' | 'replace' | 'remove', happens: boolean): Store {
  let isFirst = true
  const call = store[name].bind(store) as (...args: unknown[]) => Promise<unknown>
  return new Proxy(store, {
    get(target, property) {
      const own = target[property as keyof Store] as (...args: unknown[]) => Promise<unknown>
      if (property !== name) return own.bind(target)
      return async (...args: unknown[]) => {
        if (!isFirst) return call(...args)
        isFirst = false
        if (happens) await call(...args)
        throw new Error('14 UNAVAILABLE')
      }
    },
  })
}

test.each([
  ['slept', 'remove', false],
  ['slept', 'remove', true],
  ['unsure', 'create', true],
  ['unsure', 'replace', true],
] as const)('%s: no claim is left when etcd loses a %s (done: %s)', async (result, name, done) => {
  const app = `lost-${name}-${done}`
  const { sleep } = await sleepOf({ store: losing(name, done) })
  expect(await sleep.run(member(app), 'stop', null, never)).toBe(result)
  expect(await store.get(keys.claim(app, 0))).toBeNull()
})

test('the claim of somebody who took the slot meanwhile is not removed', async () => {
  const key = keys.claim('other', 0)
  const { sleep } = await sleepOf({
    connections: async () => {
      await store.put(key, '{"owner":"l1/x"}')
      return 0
    },
  })
  expect(await sleep.run(member('other'), 'stop', null, never)).toBe('taken-back')
  expect((await store.get(key))?.value).toContain('l1/x')
})

test('a stop that failed is not tried again once the lease is not certainly ours', async () => {
  const tries: string[] = []
  const { sleep, standing } = await sleepOf({
    layDown: async ({ instance }) => {
      tries.push(instance.id)
      standing.valid = () => false
      throw new Error('the engine is busy')
    },
  })
  expect(await sleep.run(member('fenced'), 'stop', null, never)).toBe('unsure')
  expect(tries).toHaveLength(1)
})

test.each([
  ['paused', 'that its route is gone', '1', '', 'pause'],
  ['stopped and not paused', 'nothing', '0', '', 'stop'],
  ['stopped and not paused', 'it, and has no controller any more,', '1', 'gone', 'stop'],
  ['paused', 'it, and has a controller again,', '1', 'gone back', 'pause'],
] as const)(
  'one is %s where a gateway confirms %s',
  async (_what, _that, applied, later, expected) => {
    const cluster = new Cluster(keys)
    const gateway = { id: 'g1', applied, generation: 1, endpoints: 1, rejected: [] }
    const key = keys.named('gateway', 'g1')
    const entry = { key, value: JSON.stringify(gateway), lease: '0' }
    const change = {
      type: 'put' as const,
      entry: { ...entry, modRevision: '1', createRevision: '1' },
    }
    cluster.observe([change], '1')
    if (later !== '') cluster.observe([{ type: 'delete', key }], '2')
    if (later === 'gone back') cluster.observe([change], '3')
    const done: string[] = []
    const layDown: SleepPorts['layDown'] = async (_member, how) => void done.push(how)
    const { sleep } = await sleepOf({ cluster, layDown })
    expect(await sleep.run(member(`told-${applied}-${later.length}`), 'pause', null, never)).toBe(
      'slept',
    )
    expect(done).toEqual([expected])
  },
  20_000,
)

test('what an app depends on stays awake when the app is woken while its route goes', async () => {
  const cluster = new Cluster(keys)
  const put = (key: string, value: object, revision: string) => ({
    type: 'put' as const,
    entry: {
      ...{ key, value: JSON.stringify(value), lease: '0' },
      ...{ modRevision: revision, createRevision: revision },
    },
  })
  const app = { name: 'above', image: 'a:1', dependsOn: ['below'] }
  cluster.observe([put(keys.named('app', 'above'), app, '1')], '1')
  const claim = { owner: 'x', action: 'wake', since: new Date().toISOString() }
  const { sleep, stops } = await sleepOf({
    cluster,
    fleet: {
      drain: async () => {
        // its claim was written before the route went, and is heard of after that
        setTimeout(() => cluster.observe([put(keys.claim('above', 0), claim, '2')], '3'), 50)
        return '3'
      },
      undrain: () => {},
      refresh: async () => {},
    },
  })
  expect(await sleep.run(member('below'), 'stop', null, never)).toBe('in-use')
  expect(stops).toEqual([])
  expect(await store.get(keys.claim('below', 0))).toBeNull()
})
