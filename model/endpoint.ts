import {
  type Address,
  contains,
  formatAddress,
  isSpecial,
  type Network,
  parseAddress,
} from './address.ts'

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
  /** Where launchers may live; loopback and `networks` unless given. */
  launchers?: Network[]
  /** host:port pairs of our own control plane that are no launcher; none unless given. */
  deniedLaunchers?: ReadonlySet<string>
}

const LOOPBACK: Network[] = [
  { family: 4, bits: 0x7f000000n, prefix: 8 },
  { family: 6, bits: 1n, prefix: 128 },
]

const FORM = /^(?:\[([0-9A-Fa-f:]{2,39})\]|([0-9.]{7,15})):([1-9][0-9]{0,4})$/

/** Ports of Docker's and etcd's APIs and of ssh: never an app's, whatever the host. */
export const CONTROL_PORTS: ReadonlySet<number> = new Set([22, 2375, 2376, 2377, 2379, 2380])

/**
 * Reads dotted IPv4 or bracketed IPv6 and a decimal port; null for all else. Only the canonical spelling is read
 * (IPv6: RFC 5952), so that one endpoint has one text, and texts can be compared.
 */
export function parseEndpoint(text: string): Endpoint | null {
  const match = FORM.exec(text)
  if (!match) return null
  const host = match[1] ?? match[2] ?? ''
  const port = Number(match[3])
  const address = parseAddress(host)
  if (!address || formatAddress(address) !== host || port > 65_535) return null
  return { host, port }
}

/** The canonical text, whatever the spelling of `host`. */
export function formatEndpoint(endpoint: Endpoint): string {
  if (!endpoint.host.includes(':')) return `${endpoint.host}:${endpoint.port}` // IPv4 has one spelling
  const address = parseAddress(endpoint.host)
  return `[${address ? formatAddress(address) : endpoint.host}]:${endpoint.port}`
}

/** host:port of a URL of etcd; where that is named and not numbered it is no endpoint of anything. */
export function memberAddress(url: string): string {
  const { hostname, port, protocol } = new URL(url)
  const host = hostname === 'localhost' ? '127.0.0.1' : hostname
  return `${host}:${port || (protocol === 'https:' ? 443 : 80)}`
}

type Verdict = { ok: true; endpoint: Endpoint } | { ok: false; reason: string }

/** Reads an instance's endpoint and holds it against the policy. Returns why it is refused: one bad entry is data. */
export function admitEndpoint(text: string, policy: AddressPolicy): Verdict {
  return admit(text, policy.networks, policy.denied, 'instance')
}

/**
 * The same for a launcher. Who is taken for one is sent requests, and says where the requests of clients go: it must
 * be in a network of launchers, and never at a service that is not ours.
 */
export function admitLauncher(text: string, policy: AddressPolicy): Verdict {
  const networks = policy.launchers ?? launcherNetworks(policy.networks)
  return admit(text, networks, policy.deniedLaunchers ?? new Set(), 'launcher')
}

/** Where launchers may live unless it is said: on this machine, and where instances live. */
export function launcherNetworks(networks: Network[]): Network[] {
  return [...LOOPBACK, ...networks]
}

function admit(
  text: string,
  networks: Network[],
  denied: ReadonlySet<string>,
  role: 'instance' | 'launcher',
): Verdict {
  const endpoint = parseEndpoint(text)
  if (!endpoint) return { ok: false, reason: 'not a host:port with a plain IP address' }
  const address = parseAddress(endpoint.host) as Address
  if (isSpecial(address))
    return { ok: false, reason: `not an address of ${role === 'launcher' ? 'a' : 'an'} ${role}` }
  if (CONTROL_PORTS.has(endpoint.port) || denied.has(formatEndpoint(endpoint)))
    return { ok: false, reason: 'an address of the control plane' }
  if (!networks.some((network) => contains(network, address)))
    return {
      ok: false,
      reason: role === 'launcher' ? 'outside the launcher networks' : 'outside the host networks',
    }
  return { ok: true, endpoint }
}
