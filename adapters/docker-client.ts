import { Agent } from 'node:http'
import { Agent as SecureAgent } from 'node:https'
import { createSecureContext, type SecureContext } from 'node:tls'
import { inspect } from 'node:util'
import Docker from 'dockerode'
import { parseSshUrl } from '../model/engine-url.ts'
import { TunnelAgent } from './docker-ssh.ts'
import { SshTunnel } from './ssh-tunnel.ts'

/** What proves to an engine who we are, and to us who it is; contents of PEM files. */
export interface EngineTls {
  ca?: Buffer
  cert?: Buffer
  key?: Buffer
}

/** Milliseconds a TLS connection waits for its next call: longer than the pings are apart. */
const IDLE = 10_000
/** So many of them wait at most: a crowd of wakes makes some calls at once, again and again. */
const KEPT = 8

/** How engines are reached. */
export interface EngineAccess {
  /** what those at tcp:// are shown, null for plain tcp */
  tls?: EngineTls | null
  /** an ssh_config file for those at ssh://, '' for the user's own */
  ssh?: string
}

/** A client, and how to let go of what it holds. */
export interface Client {
  docker: Docker
  close(): void
}

/**
 * A client for the engine at `unix:///path`, `tcp://ip:port` or `ssh://[user@]ip[:port]`. The environment's DOCKER_HOST
 * has no say. Each call has its own connection, since a kept one that the engine closed meanwhile would fail a start;
 * but of TLS connections, whose handshake takes longer than most calls, the latest used is kept.
 * @throws Error if `url` is none of these
 */
export function openClient(url: string, { tls = null, ssh = '' }: EngineAccess = {}): Client {
  const there = parseSshUrl(url)
  if (there) {
    const tunnel = new SshTunnel(there, ssh)
    const agent = new TunnelAgent(tunnel)
    return { docker: open({ agent, host: 'engine' }), close: () => tunnel.close() }
  }
  const { protocol, hostname, port, pathname } = new URL(url)
  const agent = new Agent({ keepAlive: false })
  const close = (): void => {}
  if (protocol === 'unix:' && pathname.length > 1)
    return { docker: open({ agent, host: '', socketPath: pathname }), close }
  const place = { host: hostname, port: Number(port) }
  if (protocol === 'tcp:' && hostname !== '' && port !== '')
    return { docker: open(tls ? secured(tls, place) : { agent, ...place }), close }
  throw new Error(
    `engine address ${url} is neither unix:///path nor tcp://ip:port nor ssh://[user@]ip`,
  )
}

/**
 * dockerode's types leave the agent out; without an own protocol and host it would read DOCKER_HOST. It describes what it
 * sends at each call, whether anybody reads that or not: with the agent, all its sockets and certificates and who
 * listens to the signal that takes longer than the call, and the longer the more calls are under way.
 */
function open(options: Docker.DockerOptions & { agent: Agent }): Docker {
  const docker = new Docker({ protocol: 'http', ...options } as Docker.DockerOptions)
  const modem = docker.modem as unknown as { buildRequest(...call: [object, ...unknown[]]): void }
  const send = modem.buildRequest.bind(modem)
  const brief = { value: () => 'a call' } // not enumerable: Node copies options that are
  modem.buildRequest = (options, ...rest) =>
    send(Object.defineProperty(options, inspect.custom, brief), ...rest)
  return docker
}

/** Reads its certificates once, not for each connection. */
class TlsAgent extends SecureAgent {
  #context: SecureContext | null = null

  override createConnection(...[options, created]: Parameters<SecureAgent['createConnection']>) {
    this.#context ??= createSecureContext(options)
    return super.createConnection(Object.assign(options, { secureContext: this.#context }), created)
  }
}

function secured(tls: EngineTls, place: { host: string; port: number }) {
  const agent = new TlsAgent({
    ...tls,
    ...{ keepAlive: true, scheduling: 'lifo', maxFreeSockets: KEPT, timeout: IDLE },
    minVersion: 'TLSv1.2',
  })
  return { protocol: 'https' as const, agent, ...place }
}
