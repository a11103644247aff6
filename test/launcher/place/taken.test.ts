import { describe, expect, it } from 'vitest'
import { isSpread } from '../../../launcher/place/place.ts'
import { whyTaken } from '../../../launcher/place/taken.ts'
import { networkOf } from '../../../launcher/wake/network.ts'
import { App, type AppInput } from '../../../model/app.ts'
import { Keys } from '../../../model/key.ts'
import { State } from '../../../model/state.ts'

const app = (input: Partial<AppInput> = {}): App =>
  App.parse({ name: 'shop', image: 'shop:1', port: 3000, ...input })

describe('an app in the network of its host', () => {
  const keys = new Keys()
  const networks = [{ family: 4 as const, bits: 0n, prefix: 0 }]
  const state = new State(keys, { networks, denied: new Set() })
  const put = (name: string, value: string): void =>
    void state.put({
      ...{ key: keys.endpoint(name, 0), value, lease: '1' },
      ...{ createRevision: '1', modRevision: '1' },
    })
  put('other', '10.0.0.1:3000')
  put('far', '10.0.0.2:3001')
  put('shop', '10.0.0.3:3000')

  it('does not go where another app has an Endpoint at its port', () => {
    const why = (address: string, input: Partial<AppInput> = {}): string | null =>
      whyTaken(app({ network: 'host', ...input }), { address }, state.endpoints)
    expect(why('10.0.0.1')).toBe('has other at port 3000')
    expect(why('10.0.0.1', { port: 3001 })).toBeNull()
    expect(why('10.0.0.2')).toBeNull()
    expect(why('10.0.0.3')).toBeNull()
    expect(why('10.0.0.1', { network: 'sandbox' })).toBeNull()
  })

  it('has one instance on a host at most', () => {
    expect(isSpread(app({ network: 'host' }))).toBe(true)
    expect(isSpread(app({ network: 'sandbox' }))).toBe(false)
    expect(isSpread(app({ antiAffinity: 'require' }))).toBe(true)
  })

  it('is started only where the operator allows that', () => {
    const policy = { network: 'sandbox', hostNetwork: 'off' } as const
    const wide = app({ network: 'host' })
    expect(() => networkOf(wide, policy)).toThrow(/--host-network on/)
    expect(networkOf(wide, { ...policy, hostNetwork: 'on' })).toBe('host')
  })
})

it('an app that says nothing has the network that its launcher gives', () => {
  expect(networkOf(app(), { network: 'sandbox', hostNetwork: 'off' })).toBe('sandbox')
  expect(networkOf(app(), { network: 'bridge', hostNetwork: 'on' })).toBe('bridge')
  const own = app({ network: 'bridge' })
  expect(networkOf(own, { network: 'sandbox', hostNetwork: 'off' })).toBe('bridge')
})
