import { type Address, contains, type Network, parseAddress } from './address.ts'

/** The host:port of an instance that is ready to answer. `host` has no brackets. */
export interface Endpoint {
  host: string
  port: number
}

/** What an endpoint must satisfy beyond its form. */
export interface AddressPolicy {
  /** Where instances may live; an endpoint outside all of these is refused. */
  networks: Network[]
  /** host:port pairs of our own control plane (etcd, APIs, gateways), as {@link formatEndpoint} writes them. */
  denied: ReadonlySet<string>
}

const FORM = /^(?:\[([0-9A-Fa-f:]{2,39})\]|([0-9.]{7,15})):([1-9][0-9]{0,4})$/

/** Ports of Docker's and etcd's APIs and of ssh: never an app's, whatever the host. */
export const CONTROL_PORTS: ReadonlySet<number> = new Set([22, 2375, 2376, 2377, 2379, 2380])

/** Never an instance: this host, link-local (cloud metadata), multicast, reserved, and their IPv6 kin. */
function isSpecial(address: Address): boolean {
  const top = (bits: number): bigint =>
    address.bits >> BigInt((address.family === 4 ? 32 : 128) - bits)
  if (address.family === 4) return top(8) === 0n || top(16) === 0xa9fen || top(4) >= 0xen // 0/8, 169.254/16, 224/3
  return (
    address.bits === 0n || // ::
    top(96) === 0xffffn || // ::ffff:0:0/96, IPv4-mapped
    top(10) === 0x3fan || // fe80::/10
    top(8) === 0xffn // ff00::/8
  )
}

/** Reads dotted IPv4 or bracketed IPv6 and a decimal port in their one plain spelling; null for all else. */
export function parseEndpoint(text: string): Endpoint | null {
  const match = FORM.exec(text)
  if (!match) return null
  const host = match[1] ?? match[2] ?? ''
  const port = Number(match[3])
  const address = parseAddress(host)
  if (!address || port > 65_535) return null
  return { host, port }
}

export function formatEndpoint(endpoint: Endpoint): string {
  const host = endpoint.host.includes(':') ? `[${endpoint.host}]` : endpoint.host
  return `${host}:${endpoint.port}`
}

/** Reads an endpoint and holds it against the policy. Returns why it is refused instead of throwing: one bad entry is data. */
export function admitEndpoint(
  text: string,
  policy: AddressPolicy,
): { ok: true; endpoint: Endpoint } | { ok: false; reason: string } {
  const endpoint = parseEndpoint(text)
  if (!endpoint) return { ok: false, reason: 'not a host:port with a plain IP address' }
  const address = parseAddress(endpoint.host) as Address
  if (isSpecial(address)) return { ok: false, reason: 'not an address of an instance' }
  if (CONTROL_PORTS.has(endpoint.port) || policy.denied.has(formatEndpoint(endpoint)))
    return { ok: false, reason: 'an address of the control plane' }
  if (!policy.networks.some((network) => contains(network, address)))
    return { ok: false, reason: 'outside the host networks' }
  return { ok: true, endpoint }
}
