import { isPlainAddress } from './address.ts'
import { CONTROL_PORTS, formatEndpoint, parseEndpoint } from './endpoint.ts'

/** How an engine is reached by ssh. */
export interface SshUrl {
  /** '' is whom ssh's own configuration says */
  user: string
  /** IP address, without brackets */
  host: string
  /** null is what ssh's own configuration says, or 22 */
  port: number | null
  /** the engine's socket on that machine */
  socket: string
}

const SSH =
  /^ssh:\/\/(?:(?<user>[a-z_][a-z0-9_-]{0,31})@)?(?<host>[0-9.]{7,15}|\[[0-9a-f:]{2,39}\])(?::(?<port>[1-9][0-9]{0,4}))?(?<socket>\/[A-Za-z0-9._/-]{1,90})?$/

/** Reads `ssh://[user@]ip[:port][/path/of/docker.sock]`; null for all else. Nothing in it can be an option of ssh. */
export function parseSshUrl(text: string): SshUrl | null {
  const {
    user = '',
    host = '',
    port,
    socket = '/var/run/docker.sock',
  } = SSH.exec(text)?.groups ?? {}
  const address = host.replace(/^\[|\]$/g, '')
  if (!isPlainAddress(address) || Number(port ?? 22) > 65_535) return null
  return { user, host: address, port: port === undefined ? null : Number(port), socket }
}

/** Whether `text` says how an engine is reached: a socket of this machine, or a numbered address. No name is resolved. */
export function isEngineUrl(text: string): boolean {
  if (/^unix:\/\/\/[\x21-\x7e]{1,200}$/.test(text)) return true
  if (text.startsWith('ssh://')) return parseSshUrl(text) !== null
  const endpoint = text.startsWith('tcp://') ? parseEndpoint(text.slice('tcp://'.length)) : null
  return endpoint !== null && isPlainAddress(endpoint.host)
}

/** Ports of Docker's API: of all that belong to a control plane, the ones where an engine is. */
const ENGINE_PORTS: ReadonlySet<number> = new Set([2375, 2376, 2377])

/**
 * Whether what is said to be an engine is another part of the control plane: etcd, an API, a gateway. Nothing is to be
 * asked of these on the word of a Host record.
 * @param denied host:port pairs, as formatEndpoint writes them
 */
export function isNoEngine(url: string, denied: ReadonlySet<string>): boolean {
  const endpoint = url.startsWith('tcp://') ? parseEndpoint(url.slice('tcp://'.length)) : null
  if (endpoint === null) return false
  const isControl = CONTROL_PORTS.has(endpoint.port) && !ENGINE_PORTS.has(endpoint.port)
  return isControl || denied.has(formatEndpoint(endpoint))
}
