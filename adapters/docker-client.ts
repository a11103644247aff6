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

/**
 * How connections are kept. Milliseconds one waits for its next call: longer than the pings are apart. So many wait at most:
 * a crowd of wakes makes some calls at once, again and again. The latest used is taken, the others age.
 */
const KEPT = { keepAlive: true, scheduling: 'lifo', maxFreeSockets: 8, timeout: 10_000 } as const

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
 * has no say. A call that changes something has its own connection, since a kept one that the engine closed meanwhile would
 * fail a start, as far as connections are cheap: of TLS, whose handshake takes longer than most calls, they are kept. So they
 * are for what is only asked through a socket of this machine, whose other end is either there or closes it: it is asked
 * every two seconds, for as long as the engine lives.
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
    return { docker: open({ agent, host: '', socketPath: pathname }, new Agent(KEPT)), close }
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
 * @param asking for calls that change nothing
 */
function open(options: Docker.DockerOptions & { agent: Agent }, asking = options.agent): Docker {
  const docker = new Docker({ protocol: 'http', ...options } as Docker.DockerOptions)
  const modem = docker.modem as unknown as { buildRequest(...call: [Call, ...unknown[]]): void }
  const send = modem.buildRequest.bind(modem)
  const brief = { value: () => 'a call' } // not enumerable: Node copies options that are
  modem.buildRequest = (call, ...rest) => {
    if (call.method === 'GET') call.agent = asking
    send(Object.defineProperty(call, inspect.custom, brief), ...rest)
  }
  return docker
}

/** What dockerode hands to Node. */
interface Call {
  method: string
  agent: Agent
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
    ...KEPT,
    minVersion: 'TLSv1.2',
  })
  return { protocol: 'https' as const, agent, ...place }
}
