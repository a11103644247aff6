import { describe, expect, test } from 'vitest'
import {
  type Address,
  contains,
  formatAddress,
  parseAddress,
  parseNetwork,
} from '../../model/address.ts'

describe('an address', () => {
  test.each([
    ['0.0.0.0', 4, 0n],
    ['10.9.0.5', 4, 0x0a090005n],
    ['255.255.255.255', 4, 0xffffffffn],
    ['::', 6, 0n],
    ['::1', 6, 1n],
    ['fd00:9::5', 6, 0xfd000009000000000000000000000005n],
    ['1:2:3:4:5:6:7:8', 6, 0x00010002000300040005000600070008n],
    ['1:2:3:4:5:6:7::', 6, 0x00010002000300040005000600070000n],
    ['FD00::A', 6, 0xfd00000000000000000000000000000an],
  ])('%s is read', (text, family, bits) => {
    expect(parseAddress(text)).toEqual({ family, bits })
  })

  test.each([
    ...['', '1.2.3', '1.2.3.4.5', '01.2.3.4', '256.1.1.1', '1.2.3.4 ', '0x7f.0.0.1', '127.1'],
    ...['2130706433', 'localhost', '1..2.3', '-1.2.3.4', '1.2.3.4\n', '１.2.3.4'],
    ...[':', ':::', '1::2::3', '1:2:3:4:5:6:7', '1:2:3:4:5:6:7:8:9', '1:2:3:4:5:6:7:8::'],
    ...['12345::', 'g::', '::ffff:1.2.3.4', 'fe80::1%eth0', '[::1]', '::1/64', ':1:2:3:4:5:6:7'],
  ])('%j is none', (text) => {
    expect(parseAddress(text)).toBeNull()
  })
})

describe('the canonical spelling (RFC 5952)', () => {
  test.each([
    ['10.9.0.5', '10.9.0.5'],
    ['0.0.0.0', '0.0.0.0'],
    ['0:0:0:0:0:0:0:0', '::'],
    ['0:0:0:0:0:0:0:1', '::1'],
    ['1:0:0:0:0:0:0:0', '1::'],
    ['2001:DB8::0001', '2001:db8::1'],
    ['2001:db8:0:1:1:1:1:1', '2001:db8:0:1:1:1:1:1'],
    ['2001:db8::1:1:1:1:1', '2001:db8:0:1:1:1:1:1'],
    ['2001:0:0:1:0:0:0:1', '2001:0:0:1::1'],
    ['2001:db8:0:0:1:0:0:1', '2001:db8::1:0:0:1'],
    ['0:0:1:0:0:0:0:2', '0:0:1::2'],
    ['1:2:3:4:5:6:7:8', '1:2:3:4:5:6:7:8'],
    ['10:0:0:10::', '10:0:0:10::'],
    ['a0:0:0:b:0:0:c:d', 'a0::b:0:0:c:d'],
  ])('of %s is %s', (text, canonical) => {
    const address = parseAddress(text) as Address
    expect(formatAddress(address)).toBe(canonical)
    expect(parseAddress(canonical)).toEqual(address)
  })
})

describe('a network', () => {
  test.each([
    ['10.9.0.0/16', '10.9.255.255', true],
    ['10.9.0.0/16', '10.10.0.0', false],
    ['10.9.3.4/16', '10.9.0.1', true],
    ['0.0.0.0/0', '1.2.3.4', true],
    ['0.0.0.0/0', '::1', false],
    ['10.9.0.5', '10.9.0.5', true],
    ['10.9.0.5/32', '10.9.0.4', false],
    ['fd00:9::/64', 'fd00:9::ffff', true],
    ['fd00:9::/64', 'fd00:9:0:1::', false],
    ['::/0', '::ffff:a09:5', true],
    ['10.9.0.0/16', '::ffff:a09:5', false],
  ])('%s and %s: %s', (network, address, inside) => {
    const parsed = parseNetwork(network)
    const host = parseAddress(address)
    expect(parsed && host && contains(parsed, host)).toBe(inside)
  })

  test.each([
    '',
    '10.9.0.0/',
    '10.9.0.0/33',
    '10.9.0.0/016',
    '10.9.0.0/1/2',
    '::/129',
    'x/8',
    '/8',
  ])('%j is none', (text) => {
    expect(parseNetwork(text)).toBeNull()
  })
})
