import { describe, expect, test } from 'vitest'
import { isId, type Key, Keys } from '../../model/key.ts'
import { hostile } from '../hostile/corpus.ts'

const keys = new Keys()

describe('a key', () => {
  test.each(hostile('etcd.key'))('$value: $expect, $why', ({ value, expect: wanted }) => {
    expect(keys.parse(value) !== null).toBe(wanted === 'accept')
  })

  test.each<[string, Key]>([
    ['/services/clusters/A', { kind: 'endpoint', app: 'A', slot: 0 }],
    ['/services/clusters/A/1', { kind: 'endpoint', app: 'A', slot: 1 }],
    ['/services/clusters/A/99', { kind: 'endpoint', app: 'A', slot: 99 }],
    ['/services/claims/A/0', { kind: 'claim', app: 'A', slot: 0 }],
    ['/services/claims/A/7', { kind: 'claim', app: 'A', slot: 7 }],
    ['/services/apps/A', { kind: 'app', name: 'A' }],
    ['/services/blueprints/A', { kind: 'blueprint', name: 'A' }],
    ['/services/hosts/h.example.org', { kind: 'host', name: 'h.example.org' }],
    ['/services/launchers/l_1', { kind: 'launcher', name: 'l_1' }],
    ['/services/gateways/g', { kind: 'gateway', name: 'g' }],
    ['/services/activity/A', { kind: 'activity', name: 'A' }],
    ['/services/drains/h.example.org', { kind: 'drain', name: 'h.example.org' }],
    ['/services/rolls/A', { kind: 'roll', name: 'A' }],
  ])('%s is read, and written the same', (text, key) => {
    expect(keys.parse(text)).toEqual(key)
    const written =
      key.kind === 'endpoint' || key.kind === 'claim'
        ? keys[key.kind](key.app, key.slot)
        : keys.named(key.kind, key.name)
    expect(written).toBe(text)
    expect(text.startsWith(keys.folder(key.kind))).toBe(true)
  })

  test.each([
    ...[
      '',
      '/',
      '/services',
      '/services/',
      '/services/apps',
      '/services/apps/',
      '/services/apps/A/0',
    ],
    ...['/services/claims/A', '/services/claims/A/', '/services/claims/A/01', '/services/none/A'],
    ...['/services/hosts/..', '/services/hosts/.h', '/services/hosts/a b', '/services/__proto__/A'],
    ...['/services/constructor/A', 'services/apps/A', '//services/apps/A', '/other/apps/A'],
    ...['/services/apps/a.b', '/services/apps/A\n', '/services/clusters/A/1\n', '/Services/apps/A'],
  ])('%j is none of ours', (text) => {
    expect(keys.parse(text)).toBeNull()
  })

  test('is under the prefix that was chosen', () => {
    const own = new Keys('/prod/reveille')
    expect(own.endpoint('A', 0)).toBe('/prod/reveille/clusters/A')
    expect(own.parse('/prod/reveille/clusters/A')).toEqual({ kind: 'endpoint', app: 'A', slot: 0 })
    expect(own.parse('/services/clusters/A')).toBeNull()
  })
})

test.each([
  ['host-1', true],
  ['a.b_c', true],
  ['x'.repeat(128), true],
  ['x'.repeat(129), false],
  ['-a', false],
  ['a.', false],
  ['a/b', false],
  ['', false],
])('%s as an id: %s', (text, fine) => {
  expect(isId(text)).toBe(fine)
})
