import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import type { Socket } from 'node:net'

/** Milliseconds from the making of a socket to the first byte of an etcd: it says hello by itself, or answers a TLS hello. */
const LIMIT = 3_000

/** Ports of the members of each store that is open. */
const stores = new Set<ReadonlySet<number>>()

/**
 * Ends connections to these members that do not come about, until the returned function is called; gRPC then dials anew,
 * within about a second. By itself it waits for the kernel, which asks a machine that is cut off at growing intervals:
 * measured, after a minute of silence the next try came 31 s after the line was whole again.
 * Node announces every socket it makes, and gRPC lets nobody else make its own.
 */
export function limitDials(urls: readonly string[]): () => void {
  const ports = new Set(urls.map(portOf))
  if (stores.size === 0) subscribe('net.client.socket', onSocket)
  stores.add(ports)
  return () => {
    stores.delete(ports)
    if (stores.size === 0) unsubscribe('net.client.socket', onSocket)
  }
}

function onSocket(message: unknown): void {
  const { socket } = message as { socket: Socket }
  socket.once('connectionAttempt', (_address: string, port: number) => {
    if ([...stores].some((ports) => ports.has(port))) limit(socket)
  })
}

function limit(socket: Socket): void {
  const judge = (): void => {
    if (!socket.destroyed && socket.bytesRead === 0)
      socket.destroy(new Error(`nothing heard within ${LIMIT / 1000} s`))
  }
  // If we were held up ourselves, what it said lies here unread until then.
  const timer = setTimeout(() => setImmediate(judge), LIMIT).unref()
  socket.once('close', () => clearTimeout(timer))
}

/** gRPC's own choice where none is given. */
function portOf(url: string): number {
  return Number(/:([0-9]+)\/*$/.exec(url)?.[1] ?? 443)
}
