import { createSocket } from 'node:dgram'
import { createServer } from 'node:net'
import { parseEndpoint } from '../../model/endpoint.ts'

/** An address this machine is to listen on, and the setting that names it. */
export interface Address {
  setting: string
  /** address:port */
  listen: string
  protocol: 'tcp' | 'udp'
}

/** Tries to listen there. The system's error code, or '' if it can be done. */
export function tryListen({ listen, protocol }: Address): Promise<string> {
  const { host, port } = parseEndpoint(listen) ?? { host: '', port: 0 }
  return new Promise((resolve) => {
    const onError = (error: NodeJS.ErrnoException): void => resolve(error.code ?? 'error')
    if (protocol === 'tcp') {
      const server = createServer().once('error', onError)
      server.listen(port, host, () => server.close(() => resolve('')))
    } else {
      const socket = createSocket(host.includes(':') ? 'udp6' : 'udp4').once('error', onError)
      socket.bind(port, host, () => socket.close(() => resolve('')))
    }
  })
}
