import { beforeEach, describe, expect, test } from 'vitest'
import { type Network, parseNetwork } from '../../model/address.ts'
import { Keys } from '../../model/key.ts'
import { type Entry, State } from '../../model/state.ts'
import { hostile } from '../hostile/corpus.ts'

const keys = new Keys()
const policy = {
  networks: ['10.9.0.0/16', 'fd00:9::/64'].map((text) => parseNetwork(text) as Network),
  denied: new Set<string>(),
}
let state: State
let revision = 0

beforeEach(() => {
  state = new State(keys, policy)
  revision = 0
})

const entry = (key: string, value: string, createRevision = ++revision): Entry => ({
  key,
  value,
  modRevision: String(++revision),
  createRevision: String(createRevision),
  lease: '0',
})
const put = (key: string, value: unknown) =>
  state.put(entry(key, typeof value === 'string' ? value : JSON.stringify(value)))
const app = (name: string, more: object = {}) => ({ name, image: 'shop', ...more })
const text = (name: string): string[] =>
  [...state.slots(name)].map(([slot, { value }]) => `${slot} ${value.host}:${value.port}`)

/** What a state says, without the entries. */
const picture = (of: State) => ({
  apps: new Map([...of.apps].map(([name, { value }]) => [name, value])),
  endpoints: new Map(
    [...of.endpoints].map(([name, slots]) => [
      name,
      new Map([...slots].map(([slot, { value }]) => [slot, value])),
    ]),
  ),
  rejected: of.rejected,
})

describe('state', () => {
  test('holds a record of every kind until its key is deleted', () => {
    const records: [string, unknown][] = [
      ['/services/apps/A', app('A')],
      ['/services/blueprints/b', { name: 'b', pattern: '^a$', app: { image: 'shop' } }],
      ['/services/clusters/A', '10.9.0.5:80'],
      [
        '/services/hosts/h',
        {
          name: 'h',
          address: '10.9.0.5',
          engine: 'unix:///x',
          publish: '10.9.0.5',
          cpus: 1,
          memory: 1,
        },
      ],
      ['/services/launchers/l', '127.0.0.1:8090'],
      [
        '/services/gateways/g',
        { id: 'g', applied: '1', generation: 1, endpoints: 0, rejected: [] },
      ],
      ['/services/claims/A/0', { owner: 'o', action: 'wake', since: '2026-01-01T00:00:00Z' }],
      ['/services/activity/A', 'whatever'],
    ]
    for (const [key, value] of records) expect(put(key, value)).toBeNull()
    const kinds = () => [
      ...[state.apps, state.blueprints, state.endpoints, state.hosts],
      ...[state.launchers, state.gateways, state.claims],
    ]
    expect(kinds().map(({ size }) => size)).toEqual(Array(7).fill(1))
    for (const [key] of records) state.delete(key)
    expect(kinds().map(({ size }) => size)).toEqual(Array(7).fill(0))
  })

  test('finds apps and instances in any case', () => {
    put('/services/apps/Shop', app('Shop'))
    put('/services/clusters/Shop', '10.9.0.5:80')
    put('/services/clusters/Shop/2', '10.9.0.6:80')
    expect(state.app('sHOP')?.name).toBe('Shop')
    expect(text('SHOP')).toEqual(['0 10.9.0.5:80', '2 10.9.0.6:80'])
    expect(text('none')).toEqual([])
  })

  test.each(hostile('etcd.value'))(
    'keeps the last good endpoint: $why',
    ({ value, expect: wanted }) => {
      put('/services/clusters/shop', '10.9.0.9:90')
      put('/services/clusters/other', '10.9.0.7:70')
      const refused = put('/services/clusters/shop', value)
      expect(refused === null).toBe(wanted === 'accept')
      if (refused) expect(text('shop')).toEqual(['0 10.9.0.9:90'])
      expect(text('other')).toEqual(['0 10.9.0.7:70'])
      state.delete('/services/clusters/shop')
      expect(text('shop')).toEqual([])
      expect(state.rejected.size).toBe(0)
    },
  )

  test.each(hostile('etcd.key'))('judges the key $value: $why', ({ value, expect: wanted }) => {
    expect(put(value, '10.9.0.5:80') === null).toBe(wanted === 'accept')
    expect(state.endpoints.size).toBe(wanted === 'accept' ? 1 : 0)
  })

  test.each([
    '',
    '{',
    'null',
    '[]',
    '"x"',
    '{"name":"B","image":"shop"}',
    '{"name":"A"}',
    `{"name":"A","image":"${'x'.repeat(70_000)}"}`,
  ])('keeps the last good app when %s comes', (value) => {
    put('/services/apps/A', app('A', { port: 80 }))
    expect(put('/services/apps/A', value)).toMatchObject({ key: '/services/apps/A' })
    expect(state.app('A')?.port).toBe(80)
    expect([...state.rejected.keys()]).toEqual(['/services/apps/A'])
    put('/services/apps/A', app('A', { port: 81 }))
    expect(state.app('A')?.port).toBe(81)
    expect(state.rejected.size).toBe(0)
  })

  test.each([
    '169.254.169.254:80',
    '127.0.0.1:2379',
    '8.8.8.8:80',
    '0.0.0.0:8090',
    '10.9.0.5:22',
    '[::ffff:a09:5]:8090',
    'localhost:8090',
  ])('takes no launcher at %s', (value) => {
    expect(put('/services/launchers/evil', value)).not.toBeNull()
    expect(state.launchers.size).toBe(0)
  })

  test('takes launchers of the networks that are given for them, and no others', () => {
    const launchers = [parseNetwork('10.7.0.0/16') as Network]
    const deniedLaunchers = new Set(['10.7.0.1:8091'])
    state = new State(keys, { ...policy, launchers, deniedLaunchers })
    expect(put('/services/launchers/a', '10.7.0.1:8090')).toBeNull()
    expect(put('/services/launchers/b', '10.7.0.1:8091')).not.toBeNull()
    for (const value of ['10.9.0.5:8090', '127.0.0.1:8090'])
      expect(put('/services/launchers/b', value)).toMatchObject({
        reason: 'outside the launcher networks',
      })
    expect([...state.launchers.keys()]).toEqual(['a'])
  })

  test('takes no record that says it is of another key', () => {
    const where = { address: '10.9.0.5', engine: 'unix:///x', publish: '10.9.0.5' }
    const host = { name: 'h1', ...where, cpus: 1, memory: 1 }
    const gateway = { id: 'g1', applied: '1', generation: 1, endpoints: 0, rejected: [] }
    expect(put('/services/hosts/h2', host)).not.toBeNull()
    expect(put('/services/gateways/g2', gateway)).not.toBeNull()
    expect(put('/services/hosts/h1', host)).toBeNull()
    expect(put('/services/gateways/g1', gateway)).toBeNull()
  })

  test('is clean after a bad value and its deletion', () => {
    put('/services/apps/A', 'bad')
    put('/services/clusters/A', 'bad')
    put('/services/strange', 'bad')
    for (const key of ['/services/apps/A', '/services/clusters/A', '/services/strange'])
      state.delete(key)
    expect(picture(state)).toEqual(picture(new State(keys, policy)))
  })

  test('names a long key in short', () => {
    expect(put(`/services/${'x'.repeat(10_000)}`, '')?.key).toHaveLength(200)
  })

  test('forgets nothing for keys it never had', () => {
    put('/services/clusters/A', '10.9.0.5:80')
    for (const key of [
      '',
      '/services/clusters/a',
      '/services/clusters/A/1',
      '/services/apps/A',
      'x',
    ])
      state.delete(key)
    expect(text('A')).toEqual(['0 10.9.0.5:80'])
  })
})

describe('names that differ in case only', () => {
  test('leave the first in force, for apps and endpoints apart', () => {
    put('/services/apps/Shop', app('Shop'))
    put('/services/clusters/shop', '10.9.0.5:80')
    expect(put('/services/apps/shop', app('shop'))).toMatchObject({
      reason: expect.stringContaining('case'),
    })
    expect(put('/services/clusters/Shop/1', '10.9.0.6:80')).not.toBeNull()
    expect(state.app('shop')?.name).toBe('Shop')
    expect(text('shop')).toEqual(['0 10.9.0.5:80'])
  })

  test('let the next have its turn when the first is deleted, the oldest first', () => {
    put('/services/apps/Shop', app('Shop'))
    put('/services/apps/SHOP', app('SHOP'))
    put('/services/apps/shop', app('shop'))
    put('/services/apps/SHOP', app('SHOP', { port: 90 }))
    state.put(entry('/services/apps/shop', JSON.stringify(app('shop')), 1000))
    state.delete('/services/apps/Shop')
    expect(state.app('shop')).toMatchObject({ name: 'SHOP', port: 90 })
    expect([...state.rejected.keys()]).toEqual(['/services/apps/shop'])
    state.delete('/services/apps/SHOP')
    expect(state.app('shop')?.name).toBe('shop')
    expect(state.rejected.size).toBe(0)
  })

  test('give way only when the last instance of the first is gone', () => {
    put('/services/clusters/A', '10.9.0.1:80')
    put('/services/clusters/A/1', '10.9.0.2:80')
    put('/services/clusters/a', '10.9.0.3:80')
    put('/services/clusters/a/1', '10.9.0.4:80')
    state.delete('/services/clusters/A')
    expect(text('a')).toEqual(['1 10.9.0.2:80'])
    state.delete('/services/clusters/A/1')
    expect(text('a')).toEqual(['0 10.9.0.3:80', '1 10.9.0.4:80'])
    expect(state.rejected.size).toBe(0)
  })

  test('have no turn any more when they were deleted or went bad meanwhile', () => {
    put('/services/apps/A', app('A'))
    put('/services/apps/a', app('a'))
    put('/services/apps/a', 'bad')
    state.delete('/services/apps/A')
    expect(state.app('a')).toBeUndefined()
    put('/services/apps/A', app('A'))
    put('/services/apps/a', app('a'))
    state.delete('/services/apps/a')
    state.delete('/services/apps/A')
    expect(state.app('a')).toBeUndefined()
    expect(state.rejected.size).toBe(0)
  })
})

test('the same entries in any order of keys give the same state', () => {
  const entries = [
    entry('/services/apps/A', JSON.stringify(app('A'))),
    entry('/services/apps/B', 'bad'),
    entry('/services/clusters/A', '10.9.0.1:80'),
    entry('/services/clusters/A/1', '10.9.0.2:80'),
    entry('/services/clusters/B', 'localhost:80'),
  ]
  const pictures = [entries, [...entries].reverse()].map((order) => {
    const one = new State(keys, policy)
    for (const each of order) one.put(each)
    return picture(one)
  })
  expect(pictures[0]).toEqual(pictures[1])
})

test('a host whose engine is said to be etcd or an API of ours is none', () => {
  const one = new State(keys, { ...policy, denied: new Set(['10.9.0.5:8091']) })
  const host = { name: 'h', address: '10.9.0.5', publish: '10.9.0.5', cpus: 1, memory: 1 }
  const say = (engine: string) =>
    one.put(entry('/services/hosts/h', JSON.stringify({ ...host, engine })))?.reason ?? null
  expect(say('tcp://10.9.0.5:2376')).toBeNull()
  for (const engine of ['tcp://127.0.0.1:2379', 'tcp://10.9.0.5:8091', 'tcp://10.9.0.5:22'])
    expect(say(engine)).toBe('its engine is at an address of the control plane')
  expect(one.hosts.get('h')?.value.engine).toBe('tcp://10.9.0.5:2376')
})

describe('hosts that say they have one engine', () => {
  const say = (name: string, engine: string, address = '10.9.0.7') =>
    put(`/services/hosts/${name}`, {
      ...{ name, engine, address, publish: address, cpus: 1, memory: 1 },
    })?.reason ?? null
  const known = () => [...state.hosts.keys()]
  const refused = 'another host has this engine'

  test.each(['tcp://10.9.0.5:2376', 'unix:///var/run/docker.sock', 'ssh://10.9.0.5'])(
    'are the first of them alone: %s',
    (engine) => {
      expect(say('h1', engine)).toBeNull()
      expect(say('h2', engine)).toBe(refused)
      expect(say('h1', engine)).toBeNull()
      expect(known()).toEqual(['h1'])
      state.delete('/services/hosts/h1')
      expect(known()).toEqual(['h2'])
      expect(state.rejected.size).toBe(0)
    },
  )

  test.each(['tcp://10.9.0.5:2376', 'ssh://ops@10.9.0.5'])(
    'are the one where the engine is, whoever came first: %s',
    (engine) => {
      expect(say('copied', engine)).toBeNull()
      expect(say('real', engine, '10.9.0.5')).toBeNull()
      expect(known()).toEqual(['real'])
      expect(state.rejected.get('/services/hosts/copied')?.reason).toBe(refused)
      expect(say('copied', engine)).toBe(refused)
      expect(say('late', engine, '10.9.0.5')).toBe(refused)
      state.delete('/services/hosts/real')
      expect(known()).toEqual(['late'])
      state.delete('/services/hosts/late')
      expect(known()).toEqual(['copied'])
    },
  )

  test('are both once the first has another one', () => {
    say('h1', 'tcp://10.9.0.5:2376')
    say('h2', 'tcp://10.9.0.5:2376')
    say('h1', 'tcp://10.9.0.6:2376')
    expect(known().sort()).toEqual(['h1', 'h2'])
  })

  test('stay as they were where one takes over the engine of another', () => {
    say('h1', 'tcp://10.9.0.5:2376')
    say('h2', 'tcp://10.9.0.6:2376')
    expect(say('h2', 'tcp://10.9.0.5:2376')).toBe(refused)
    expect(state.hosts.get('h2')?.value.engine).toBe('tcp://10.9.0.6:2376')
    state.delete('/services/hosts/h2')
    state.delete('/services/hosts/h1')
    expect(known()).toEqual([])
  })
})
