import { expect, test } from 'vitest'
import { loadSettings } from '../../../adapters/settings.ts'
import { environmentOf, THRIFT } from '../../../cli/embedded/environment.ts'
import { deniedOf, networkOf } from '../../../cli/embedded/network.ts'

test('a service reads the settings that are in force, wherever they came from', () => {
  const flags = {
    etcd: 'http://127.0.0.1:2379,http://127.0.0.1:3379',
    etcdPassword: 'a,b "c"',
    holdTimeout: '90s',
    networks: '10.0.0.0/8,fd00::/8',
    demo: 'true',
    confirm: 'off',
  }
  const settings = loadSettings(flags, {})
  const all = ['controller', 'launcher', 'registrar'] as const
  for (const services of [...all.map((service) => [service]), all]) {
    const environment = environmentOf(services, settings, {
      PATH: '/bin',
      REVEILLE_HOLD_TIMEOUT: '1s',
      REVEILLE_CONFIG: '/no/such/file',
    })
    expect(environment.PATH).toBe('/bin')
    const again = loadSettings({}, environment)
    expect(again.etcd).toEqual(settings.etcd)
    expect(again.etcdPassword).toBe('a,b "c"')
    expect(again.networks).toEqual(settings.networks)
    if (services.includes('launcher')) expect(again.holdTimeout).toBe(90)
    if (services.includes('controller')) expect(again.confirm).toBe('off')
  }
})

test('the registrar of `up` is the one of its engine, whatever sidekick the environment is for', () => {
  const environment = { REVEILLE_APP: 'plain', REVEILLE_ENDPOINT: '127.0.0.1:80' }
  const settings = loadSettings({}, environment)
  expect(settings.app).toBe('plain')
  expect(loadSettings({}, environmentOf(['registrar'], settings, environment)).app).toBe('')
})

test('a service gives memory back, unless the operator says how', () => {
  const settings = loadSettings({}, {})
  expect(environmentOf(['launcher'], settings, {})).toMatchObject(THRIFT)
  const own = { NODE_OPTIONS: '--max-old-space-size=300' }
  expect(environmentOf(['launcher'], settings, own)).toMatchObject({ ...THRIFT, ...own })
})

test('instances are routed to at one address only', () => {
  expect(networkOf('172.17.0.1')).toBe('172.17.0.1/32')
  expect(networkOf('fd00::1')).toBe('fd00::1/128')
})

test('nothing of the control plane can be an instance, by whatever address it is reached', () => {
  const listens = ['0.0.0.0:8080', '127.0.0.1:8091', '[::1]:8092']
  expect(deniedOf(listens, ['http://localhost:2379', 'https://10.0.0.1'], '172.17.0.1')).toEqual([
    '10.0.0.1:443',
    '127.0.0.1:2379',
    '127.0.0.1:8080',
    '127.0.0.1:8091',
    '172.17.0.1:8080',
    '[::1]:8080',
    '[::1]:8092',
  ])
})
