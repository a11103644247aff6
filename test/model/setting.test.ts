import { describe, expect, test } from 'vitest'
import { flagOf, SETTINGS, type SettingName, variableOf } from '../../model/setting.ts'

const names = Object.keys(SETTINGS) as SettingName[]
const accepted = (name: SettingName, value: unknown): boolean =>
  SETTINGS[name].schema.safeParse(value).success
const read = (name: SettingName, value: unknown): unknown => SETTINGS[name].schema.parse(value)

describe('settings', () => {
  test.each(names)('%s has a default that is valid, help and a process', (name) => {
    expect(accepted(name, undefined)).toBe(true)
    expect(SETTINGS[name].help).not.toBe('')
    expect(SETTINGS[name].services.length).toBeGreaterThan(0)
  })

  test('have one flag and one variable each', () => {
    expect(flagOf('holdTimeout')).toBe('hold-timeout')
    expect(variableOf('holdTimeout')).toBe('REVEILLE_HOLD_TIMEOUT')
    expect(new Set(names.map(flagOf)).size).toBe(names.length)
    expect(new Set(names.map(variableOf)).size).toBe(names.length)
    for (const name of names) expect(flagOf(name)).toMatch(/^[a-z]+(?:-[a-z]+)*$/)
  })

  test.each<[SettingName, unknown, unknown]>([
    ['etcd', 'http://a:2379, http://b:2379', ['http://a:2379', 'http://b:2379']],
    ['etcd', ['https://a:2379'], ['https://a:2379']],
    ['etcd', '', []],
    ['networks', '10.9.0.0/16,fd00::/8', ['10.9.0.0/16', 'fd00::/8']],
    ['holdTimeout', '90s', 90],
    ['holdTimeout', '2m', 120],
    ['holdTimeout', 30, 30],
    ['leaseTtl', '10', 10],
    ['pageAfter', '0', 0],
    ['listen', '[::]:8080', '[::]:8080'],
    ['slot', '3', 3],
    ['address', '', ''],
    ['address', 'fd00::1', 'fd00::1'],
    ['engineAdvertise', 'tcp://10.9.0.1:2375', 'tcp://10.9.0.1:2375'],
    ['denied', '10.9.0.1:80,[fd00::1]:80', ['10.9.0.1:80', '[fd00::1]:80']],
    ['launcherNetworks', '10.7.0.0/16', ['10.7.0.0/16']],
    ['pathPrefix', '/my/apps.v1', '/my/apps.v1'],
    ['domain', 'api.example.com', 'api.example.com'],
    ['cookie', 'path', 'path'],
    ['fallback', '/home?next=%2F', '/home?next=%2F'],
    ['fallback', 'https://login.example.com:8443/', 'https://login.example.com:8443/'],
    ['unknown', '403', '403'],
    ['json', '', true],
    ['json', 'false', false],
    ['prefix', '/prod/reveille', '/prod/reveille'],
  ])('%s takes %j', (name, value, wanted) => {
    expect(read(name, value)).toEqual(wanted)
  })

  test.each<[SettingName, unknown]>([
    ['pathPrefix', 'apps'],
    ['pathPrefix', '/apps/'],
    ['pathPrefix', '/a/b/c/d'],
    ['pathPrefix', '/a b'],
    ['pathPrefix', '/$host'],
    ['pathPrefix', '/(?i)'],
    ['domain', 'API.example.com'],
    ['domain', '*.example.com'],
    ['domain', 'a.b/c'],
    ['cookie', 'a-b'],
    ['cookie', 'a=b'],
    ['cookie', 'reveille_instance'],
    ['fallback', 'home'],
    ['fallback', '//evil.example'],
    ['fallback', 'javascript:alert(1)'],
    ['fallback', '/a b'],
    ['fallback', '/$host'],
    ['fallback', '/a\r\nX: 1'],
    ['fallback', '/"'],
    ['cookieAnswer', 'wait'],
    ['unknown', '500'],
    ['etcd', 'a:b:c'],
    ['etcd', '127.0.0.1:2379'],
    ['etcd', 'localhost:2379'],
    ['etcd', 'localhost'],
    ['prefix', 'services'],
    ['prefix', '/services/'],
    ['prefix', '/a b'],
    ['id', 'a/b'],
    ['leaseTtl', '0'],
    ['leaseTtl', '-1s'],
    ['networks', '10.9.0.0/33'],
    ['launcherNetworks', '10.9.0.0/33'],
    ['address', 'localhost'],
    ['address', '0.0.0.0'],
    ['address', '10.9.0.1:80'],
    ['engineAdvertise', 'tcp://engine:2375'],
    ['denied', 'etcd:2379'],
    ['denied', '10.9.0.1'],
    ['denied', '[fd00:0::1]:80'],
    ['logLevel', 'loud'],
    ['listen', '8080'],
    ['listen', 'localhost:8080'],
    ['listen', '0.0.0.0:65536'],
    ['pageAfter', 'soon'],
    ['pageAfter', '1.5'],
    ['startsPerHost', '0'],
    ['slot', '100'],
    ['json', 'maybe'],
    ['confirm', 'yes'],
    ['engine', 'podman'],
  ])('%s refuses %j', (name, value) => {
    expect(accepted(name, value)).toBe(false)
  })
})
