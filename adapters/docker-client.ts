import { Agent } from 'node:http'
import Docker from 'dockerode'

/**
 * A client for the engine at `unix:///path` or `tcp://host:port`. The environment's DOCKER_HOST has no say. Each call
 * has its own connection: a kept one that the engine closed meanwhile would fail a start.
 * @throws Error if `url` is neither
 */
export function openClient(url: string): Docker {
  const { protocol, hostname, port, pathname } = new URL(url)
  // dockerode's types leave the agent out; without an own protocol and host it would read DOCKER_HOST
  const plain = { protocol: 'http', agent: new Agent({ keepAlive: false }) } as const
  if (protocol === 'unix:' && pathname.length > 1)
    return new Docker({ ...plain, host: '', socketPath: pathname })
  if (protocol === 'tcp:' && hostname !== '' && port !== '')
    return new Docker({ ...plain, host: hostname, port: Number(port) })
  throw new Error(`engine address ${url} is neither unix:///path nor tcp://host:port`)
}
