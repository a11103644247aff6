import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { parseEndpoint } from '../model/endpoint.ts'

/** Hands over each datagram that arrives at `listen` as text, with the IP address it is said to come from. Rejects if the address is taken. */
export async function receiveDatagrams(
  listen: string,
  onDatagram: (text: string, source: string) => void,
): Promise<{ close(): void }> {
  const endpoint = parseEndpoint(listen)
  if (!endpoint) throw new Error(`${listen} is not an address:port`)
  const socket = createSocket(endpoint.host.includes(':') ? 'udp6' : 'udp4')
  socket.on('message', (message, { address }) => onDatagram(message.toString('latin1'), address))
  socket.bind(endpoint.port, endpoint.host)
  await once(socket, 'listening')
  socket.on('error', () => {}) // a lost report is a lost hint
  return { close: () => socket.close() }
}
