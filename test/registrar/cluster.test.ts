import { expect, test } from 'vitest'
import { Keys } from '../../model/key.ts'
import { Cluster } from '../../registrar/cluster.ts'

const keys = new Keys()
const spec = {
  ...{ app: 'shop', slot: 0, port: 8000, health: { type: 'tcp' } as const, revision: '' },
  ...{ idleAfter: 300, stopTimeout: 10, min: 1 },
}

function entry(key: string, value: object, revision: string) {
  const revisions = { modRevision: revision, createRevision: revision }
  return { key, value: JSON.stringify(value), lease: '0', ...revisions }
}

test("what the stored App says holds for instances that run already, whatever their name's case", () => {
  const cluster = new Cluster(keys)
  expect(cluster.prefixes).toContain('/services/apps/')
  expect(cluster.terms(spec)).toEqual({ min: 1, idleAfter: 300, stopTimeout: 10, sleep: 'stop' })
  const app = { name: 'Shop', image: 'shop:1', min: 0, idleAfter: 5, stopTimeout: 1 }
  const key = keys.named('app', 'Shop')
  cluster.observe([{ type: 'put', entry: entry(key, app, '2') }], '2')
  expect(cluster.terms(spec)).toMatchObject({ min: 0, idleAfter: 5, stopTimeout: 1 })
  cluster.observe([{ type: 'delete', key }], '3')
  expect(cluster.terms(spec)).toEqual({ min: 1, idleAfter: 300, stopTimeout: 10, sleep: 'stop' })
})

test('an app is needed while another one that depends on it runs, stored or made by a blueprint', () => {
  const cluster = new Cluster(keys)
  const text = (key: string, value: string, revision: string) => ({
    type: 'put' as const,
    entry: { ...entry(key, {}, revision), value },
  })
  const app = { image: 'shop:1', dependsOn: ['{{name}}-db'] }
  const blueprint = { name: 'customers', pattern: '^customer-[a-z]+$', app }
  cluster.observe(
    [
      { type: 'put', entry: entry(keys.named('blueprint', 'customers'), blueprint, '2') },
      text(keys.endpoint('customer-x', 1), '10.0.0.1:4000', '3'),
    ],
    '3',
  )
  expect(cluster.isNeeded('Customer-X-db')).toBe(true)
  expect(cluster.isNeeded('customer-y-db')).toBe(false)
  expect([cluster.hasSeen('3'), cluster.hasSeen('4')]).toEqual([true, false])
  cluster.observe([{ type: 'delete', key: keys.endpoint('customer-x', 1) }], '4')
  expect(cluster.isNeeded('customer-x-db')).toBe(false)
  const since = new Date().toISOString()
  const claim = { owner: 'x', action: 'wake', since }
  cluster.observe([{ type: 'put', entry: entry(keys.claim('customer-x', 0), claim, '5') }], '5')
  expect(cluster.isNeeded('customer-x-db')).toBe(true)
})

test('what an etcd that was restored will say is not taken for seen, though it counts from less', () => {
  const cluster = new Cluster(keys)
  cluster.observe([], '500')
  expect(cluster.hasSeen('400')).toBe(true)
  const app = { name: 'shop', image: 'shop:1' }
  cluster.observe([{ type: 'put', entry: entry(keys.named('app', 'shop'), app, '20') }], '20')
  expect([cluster.hasSeen('20'), cluster.hasSeen('21')]).toEqual([true, false])
})
