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

/** Reads an IP address: IPv4 in its one plain spelling, IPv6 in any; null for everything else, host names included. */
export function parseAddress(text: string): Address | null {
  const v4 = parseIPv4(text)
  if (v4 !== null) return { family: 4, bits: v4 }
  const v6 = parseIPv6(text)
  return v6 === null ? null : { family: 6, bits: v6 }
}

/** Writes an address in its one canonical spelling: dotted quad, or RFC 5952 (in hexadecimal groups throughout). */
export function formatAddress({ family, bits }: Address): string {
  const width = family === 4 ? 8n : 16n
  const count = family === 4 ? 4 : 8
  const groups = Array.from({ length: count }, (_, index) => {
    const group = (bits >> (width * BigInt(count - 1 - index))) & ((1n << width) - 1n)
    return group.toString(family === 4 ? 10 : 16)
  })
  if (family === 4) return groups.join('.')
  // The first of the longest runs of two and more zeros becomes "::".
  const runs = groups.join(':').match(/\b0(?::0\b)+/g) ?? []
  const longest = runs.reduce((best, run) => (run.length > best.length ? run : best), '')
  if (longest === '') return groups.join(':')
  const [head, tail] = splitRun(groups, longest.split(':').length)
  return `${head}::${tail}`
}

/** What stands before and after the first run of `length` zeros. */
function splitRun(groups: string[], length: number): [string, string] {
  const at = groups.findIndex((_, start) => {
    const run = groups.slice(start, start + length)
    return run.length === length && run.every((group) => group === '0')
  })
  return [groups.slice(0, at).join(':'), groups.slice(at + length).join(':')]
}

/** Never an instance or a part of ours: this host (0/8, ::), link-local (cloud metadata), multicast, reserved. */
export function isSpecial({ family, bits }: Address): boolean {
  const top = (count: number): bigint => bits >> BigInt((family === 4 ? 32 : 128) - count)
  if (family === 4) return top(8) === 0n || top(16) === 0xa9fen || top(4) >= 0xen // 0/8, 169.254/16, 224/3
  return (
    (top(16) === 0n && bits !== 1n) || // ::/16 but for ::1: nobody, IPv4-mapped and the like
    top(10) === 0x3fan || // fe80::/10
    top(8) === 0xffn // ff00::/8
  )
}

/** Whether `text` is an IP address that one machine can be reached at. */
export function isPlainAddress(text: string): boolean {
  const address = parseAddress(text)
  return address !== null && !isSpecial(address)
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

/** Those of `texts` that are networks: where settings were checked, all of them. */
export function parseNetworks(texts: readonly string[]): Network[] {
  return texts.flatMap((text) => parseNetwork(text) ?? [])
}

/** Whether `address` lies in `network`. An IPv4-mapped IPv6 address lies in no IPv4 network: it is another spelling. */
export function contains(network: Network, address: Address): boolean {
  if (network.family !== address.family) return false
  const shift = BigInt((network.family === 4 ? 32 : 128) - network.prefix)
  return network.bits >> shift === address.bits >> shift
}
