import { formatEndpoint, parseEndpoint } from '../model/endpoint.ts'

const WILDCARDS = new Map([
  ['0.0.0.0', '127.0.0.1'],
  ['::', '::1'],
])

/** The address under which this machine reaches what listens at `listen`. */
export function nearest(listen: string): string {
  const endpoint = parseEndpoint(listen)
  if (!endpoint) return listen
  return formatEndpoint({ ...endpoint, host: WILDCARDS.get(endpoint.host) ?? endpoint.host })
}

/** Every host:port at which `listen` can be reached; `own` are the addresses of this machine. */
export function reachable(listen: string, own: readonly string[]): string[] {
  const endpoint = parseEndpoint(listen)
  if (!endpoint) return []
  const hosts = WILDCARDS.has(endpoint.host) ? own : [endpoint.host]
  return hosts.map((host) => formatEndpoint({ ...endpoint, host }))
}
