/** An IP address as a number, with its family: what networks are compared in. */
export interface Address {
  family: 4 | 6
  bits: bigint
}

/** A block of addresses, like `10.9.0.0/16` or `fd00:9::/64`. */
export interface Network extends Address {
  prefix: number
}

const OCTET = '(?:0|[1-9][0-9]?|1[0-9]{2}|2[0-4][0-9]|25[0-5])'
const IPV4 = new RegExp(`^${OCTET}(?:\\.${OCTET}){3}$`)

/** Reads a dotted-quad IPv4 address, without the short, octal and hex forms a resolver would take. */
function parseIPv4(text: string): bigint | null {
  if (!IPV4.test(text)) return null
  return text.split('.').reduce((bits, octet) => (bits << 8n) | BigInt(octet), 0n)
}

/** Reads an IPv6 address (RFC 4291 section 2.2, hexadecimal groups only; no zone, no embedded IPv4). */
function parseIPv6(text: string): bigint | null {
  if (!/^[0-9a-f:]{2,39}$/i.test(text)) return null
  const halves = text.split('::')
  if (halves.length > 2) return null
  const [head = [], tail = []] = halves.map((half) => (half === '' ? [] : half.split(':')))
  const missing = 8 - head.length - tail.length
  if (halves.length === 2 ? missing < 1 : missing !== 0) return null
  const groups = [...head, ...Array<string>(missing).fill('0'), ...tail]
  if (!groups.every((group) => /^[0-9a-f]{1,4}$/i.test(group))) return null
  return groups.reduce((bits, group) => (bits << 16n) | BigInt(`0x${group}`), 0n)
}

/** Reads an IP address in its one plain spelling; null for everything else, host names included. */
export function parseAddress(text: string): Address | null {
  const v4 = parseIPv4(text)
  if (v4 !== null) return { family: 4, bits: v4 }
  const v6 = parseIPv6(text)
  return v6 === null ? null : { family: 6, bits: v6 }
}

/** Reads `address/prefix` or a lone address as a network; null if it is neither. */
export function parseNetwork(text: string): Network | null {
  const [host = '', length, ...rest] = text.split('/')
  const address = parseAddress(host)
  if (!address || rest.length > 0) return null
  const width = address.family === 4 ? 32 : 128
  if (length === undefined) return { ...address, prefix: width }
  if (!/^(?:0|[1-9][0-9]{0,2})$/.test(length) || Number(length) > width) return null
  return { ...address, prefix: Number(length) }
}

/** Whether `address` lies in `network`. An IPv4-mapped IPv6 address lies in no IPv4 network: it is another spelling. */
export function contains(network: Network, address: Address): boolean {
  if (network.family !== address.family) return false
  const shift = BigInt((network.family === 4 ? 32 : 128) - network.prefix)
  return network.bits >> shift === address.bits >> shift
}
