import { Agent } from 'node:http'
import { Agent as SecureAgent } from 'node:https'
import Docker from 'dockerode'

/** What proves to an engine who we are, and to us who it is; contents of PEM files. */
export interface EngineTls {
  ca?: Buffer
  cert?: Buffer
  key?: Buffer
}

/** Milliseconds a TLS connection waits for its next call: longer than the pings are apart. */
const IDLE = 10_000

/**
 * A client for the engine at `unix:///path` or `tcp://ip:port`, by TLS if `tls` is given. The environment's
 * DOCKER_HOST has no say. Each plain call has its own connection, since a kept one that the engine closed meanwhile
 * would fail a start; of TLS connections, whose handshake takes longer than most calls, the latest used is kept.
 * @throws Error if `url` is neither
 */
export function openClient(url: string, tls: EngineTls | null = null): Docker {
  const { protocol, hostname, port, pathname } = new URL(url)
  // dockerode's types leave the agent out; without an own protocol and host it would read DOCKER_HOST
  const plain = { protocol: 'http', agent: new Agent({ keepAlive: false }) } as const
  if (protocol === 'unix:' && pathname.length > 1)
    return new Docker({ ...plain, host: '', socketPath: pathname })
  if (protocol === 'tcp:' && hostname !== '' && port !== '') {
    const place = { host: hostname, port: Number(port) }
    return new Docker(tls ? { ...secured(tls), ...place } : { ...plain, ...place })
  }
  throw new Error(`engine address ${url} is neither unix:///path nor tcp://host:port`)
}

function secured(tls: EngineTls): Docker.DockerOptions {
  const agent = new SecureAgent({
    ...tls,
    ...{ keepAlive: true, scheduling: 'lifo', maxFreeSockets: 4, timeout: IDLE },
    minVersion: 'TLSv1.2',
  })
  return { protocol: 'https', agent } as Docker.DockerOptions
}
