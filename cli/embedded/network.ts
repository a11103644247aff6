import { isIPv4 } from 'node:net'
import { formatEndpoint, memberAddress, parseEndpoint } from '../../model/endpoint.ts'

/** The one address instances of this machine are reached at, as a network. */
export function networkOf(address: string): string {
  return `${address}/${isIPv4(address) ? 32 : 128}`
}

/**
 * What must never be an instance: every address of our own processes, in each spelling that reaches it from here.
 * @param listens address:port of our processes
 * @param address where instances are reached: what listens on all addresses is there too
 */
export function deniedOf(listens: string[], etcd: string[], address: string): string[] {
  const denied = new Set<string>()
  for (const listen of [...listens, ...etcd.map(memberAddress)]) {
    const endpoint = parseEndpoint(listen)
    if (!endpoint) continue
    const everywhere = endpoint.host === '0.0.0.0' || endpoint.host === '::'
    const hosts = everywhere ? ['127.0.0.1', '::1', address] : [endpoint.host]
    for (const host of hosts) denied.add(formatEndpoint({ host, port: endpoint.port }))
  }
  return [...denied].sort()
}
