import { Agent } from 'node:http'
import { Agent as SecureAgent } from 'node:https'
import type { Duplex } from 'node:stream'
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

/** Milliseconds after an answer for which its connection is as good as a new one. */
const WARM = 1_000

/** Connections that are kept. */
class KeptAgent extends Agent {
  /** performance.now() of the last answer */
  readonly #answered = new WeakMap<Duplex, number>()

  constructor() {
    super(KEPT)
  }

  /** Whether the one that would be taken next has just answered. */
  get isWarm(): boolean {
    const [free] = Object.values(this.freeSockets)
    const next = free?.at(-1)
    return next !== undefined && performance.now() - (this.#answered.get(next) ?? 0) < WARM
  }

  override keepSocketAlive(socket: Duplex): void {
    this.#answered.set(socket, performance.now())
    return super.keepSocketAlive(socket)
  }
}

/** A client, and how to let go of what it holds. */
export interface Client {
  docker: Docker
  close(): void
}

/**
 * A client for the engine at `unix:///path`, `tcp://ip:port` or `ssh://[user@]ip[:port]`. The environment's DOCKER_HOST
 * has no say. A call that changes something has its own connection, since a kept one that the engine closed meanwhile would
 * fail a start: but of TLS, whose handshake takes longer than most calls, and through a socket of this machine where the kept
 * one has just answered, as in each wake. What is only asked through such a socket takes what is kept in any case: its other
 * end is either there or closes it.
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
    return { docker: open({ agent, host: '', socketPath: pathname }, new KeptAgent()), close }
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
 * @param kept for calls that change nothing, and for all others while it is warm
 */
function open(
  options: Docker.DockerOptions & { agent: Agent },
  kept: KeptAgent | null = null,
): Docker {
  const docker = new Docker({ protocol: 'http', ...options } as Docker.DockerOptions)
  const modem = docker.modem as unknown as { buildRequest(...call: [Call, ...unknown[]]): void }
  const send = modem.buildRequest.bind(modem)
  const brief = { value: () => 'a call' } // not enumerable: Node copies options that are
  modem.buildRequest = (call, ...rest) => {
    if (kept && (call.method === 'GET' || kept.isWarm)) call.agent = kept
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
