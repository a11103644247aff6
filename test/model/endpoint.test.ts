import { describe, expect, test } from 'vitest'
import { type Network, parseNetwork } from '../../model/address.ts'
import { admitEndpoint, formatEndpoint, parseEndpoint } from '../../model/endpoint.ts'
import { hostile } from '../hostile/corpus.ts'

const networks = ['10.9.0.0/16', 'fd00:9::/64'].map((text) => parseNetwork(text) as Network)
const everywhere = ['0.0.0.0/0', '::/0'].map((text) => parseNetwork(text) as Network)
const policy = { networks, denied: new Set(['10.9.0.1:8091']) }
const lax = { networks: everywhere, denied: new Set<string>() }

describe('an endpoint', () => {
  test.each(hostile('etcd.value'))('$expect: $why', ({ value, expect: wanted }) => {
    expect(admitEndpoint(value, policy).ok).toBe(wanted === 'accept')
  })

  test.each(['10.9.0.5:8080', '[fd00:9::5]:1', '10.9.255.255:65535'])(
    '%s is written as read',
    (text) => {
      const endpoint = parseEndpoint(text)
      expect(endpoint && formatEndpoint(endpoint)).toBe(text)
    },
  )

  test.each([
    ...['0.0.0.0:80', '0.1.2.3:80', '169.254.169.254:80', '224.0.0.1:80', '240.0.0.1:80'],
    ...['255.255.255.255:80', '[::]:80', '[::ffff:a09:5]:80', '[fe80::1]:80', '[ff02::1]:80'],
  ])('%s is no instance even where every network is allowed', (text) => {
    expect(admitEndpoint(text, lax)).toEqual({ ok: false, reason: 'not an address of an instance' })
  })

  test.each([22, 2375, 2376, 2377, 2379, 2380])('on port %i is of the control plane', (port) => {
    expect(admitEndpoint(`10.9.0.5:${port}`, lax)).toEqual({
      ok: false,
      reason: 'an address of the control plane',
    })
  })

  test('of our own control plane is refused, its neighbour is not', () => {
    expect(admitEndpoint('10.9.0.1:8091', policy).ok).toBe(false)
    expect(admitEndpoint('10.9.0.1:8092', policy).ok).toBe(true)
  })

  test.each([
    ...['[fd00:0::5]:8091', '[FD00::5]:8091', '[fd00::0005]:8091', '[fd00:0:0:0:0:0:0:5]:8091'],
    ...['[fd00::0:5]:8091', '[1:2:3:4:5:6:7::]:1', '[1::2:0:0:0:0]:1'],
  ])('%s is refused: it has another, plain spelling', (text) => {
    const denied = new Set(['[fd00::5]:8091'])
    expect(admitEndpoint(text, { ...lax, denied }).ok).toBe(false)
    expect(parseEndpoint(text)).toBeNull()
  })

  test.each([
    ['fd00:0::5', '[fd00::5]:1'],
    ['FD00::A', '[fd00::a]:1'],
    ['10.9.0.5', '10.9.0.5:1'],
  ])('of %s is written as %s', (host, text) => {
    expect(formatEndpoint({ host, port: 1 })).toBe(text)
  })

  test('outside the networks is refused with the reason', () => {
    expect(admitEndpoint('10.10.0.5:80', policy)).toEqual({
      ok: false,
      reason: 'outside the host networks',
    })
    expect(admitEndpoint('10.9.0.5:80', { networks: [], denied: new Set() }).ok).toBe(false)
  })
})
