import { expect, it } from 'vitest'
import { Directory } from '../../model/directory.ts'
import { Keys } from '../../model/key.ts'
import { Pool } from '../../model/pool.ts'
import { State } from '../../model/state.ts'

const keys = new Keys()
const revisions = { modRevision: '1', createRevision: '1', lease: '0' }
const setup = () => {
  const state = new State(keys, { networks: [], denied: new Set() })
  const put = (kind: 'app' | 'pool' | 'blueprint', name: string, more: object = {}) =>
    state.put({
      key: keys.named(kind, name),
      value: JSON.stringify({ name, ...more }),
      ...revisions,
    })
  return { state, put, directory: new Directory(state) }
}

it('is a name and how requests are spread', () => {
  expect(Pool.parse({ name: 'static' })).toEqual({
    ...{
      name: 'static',
      routes: [],
      balance: 'least',
      weight: 1,
      weights: {},
      maxFails: 1,
      failTimeout: 5,
    },
  })
  const full = { balance: 'ip_hash', weight: 100, maxFails: 5, failTimeout: '5m' }
  expect(Pool.parse({ name: 'static', ...full })).toMatchObject({ weight: 100, failTimeout: 300 })
})

it.each([
  { balance: 'random' },
  { balance: 'least; server 127.0.0.1:2379' },
  { weight: 0 },
  { weight: 257 },
  { weight: '1; }' },
  { weights: { '10.0.0.1': 2 } },
  { weights: { 'unix:/var/run/docker.sock': 2 } },
  { weights: { '10.0.0.1:80 down': 2 } },
  { weights: Object.fromEntries(Array.from({ length: 101 }, (_, i) => [`10.0.0.1:${i + 1}`, 2])) },
  { maxFails: -1 },
  { failTimeout: '1h; }' },
  { servers: ['10.0.0.1:80'] },
])('%j is refused', (more) => {
  expect(Pool.safeParse({ name: 'static', ...more }).success).toBe(false)
})

it('gives way to an App of its name, and a blueprint gives way to it', () => {
  const { state, put, directory } = setup()
  expect(put('pool', 'Static')).toBeNull()
  expect(put('blueprint', 'any', { pattern: '^[a-z]+$', app: { image: 'x:1' } })).toBeNull()
  expect(directory.pool('static')).toMatchObject({ name: 'Static' })
  expect(directory.find('static')).toBeNull()
  expect(directory.find('other')).not.toBeNull()
  expect(put('app', 'static', { image: 'x:1' })).toBeNull()
  expect(directory.pool('Static')).toBeNull()
  expect(directory.find('STATIC')).toMatchObject({ image: 'x:1' })
  state.delete(keys.named('app', 'static'))
  expect(directory.pool('STATIC')).toMatchObject({ name: 'Static' })
})

it('has one spelling: the next one has its turn when the first is gone', () => {
  const { state, put } = setup()
  expect(put('pool', 'Static', { weight: 2 })).toBeNull()
  expect(put('pool', 'static', { weight: 3 })).toMatchObject({ key: '/services/pools/static' })
  expect(state.pool('static')?.weight).toBe(2)
  state.delete(keys.named('pool', 'Static'))
  expect(state.pool('static')?.weight).toBe(3)
})

it('keeps the last good value where the next one is bad', () => {
  const { state, put } = setup()
  put('pool', 'static', { weight: 2 })
  expect(put('pool', 'static', { weight: 'heavy' })).not.toBeNull()
  expect(state.pool('static')?.weight).toBe(2)
})
