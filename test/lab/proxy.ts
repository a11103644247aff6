import { createServer, connect as dial, type Socket } from 'node:net'

/** A line between a client and a server that a test can break in the ways lines break. */
export interface Proxy {
  readonly url: string
  /** How many connections it was asked for so far. */
  readonly asked: number
  /** Resets every connection; new ones are let through. */
  cut(): void
  /** Resets every connection and each new one. */
  refuse(): void
  /** Black hole: connections stay open and new ones are taken, nothing passes either way. */
  freeze(): void
  /** What is connected is a black hole from now on; new connections are let through. */
  forget(): void
  /** Requests pass, answers do not. */
  mute(): void
  /** Resets every connection; on new ones everything takes so many milliseconds longer, each way. */
  slow(milliseconds: number): void
  /** Cuts every connection once `bytes` more have come from the server, counted over all. */
  cutAfter(bytes: number): void
  /** Lets new connections through; what was frozen is reset. */
  heal(): void
  /** Leads new connections to another server and resets those there are. */
  aim(target: string): void
  stop(): Promise<void>
}

/**
 * Starts one. `address`: where it listens, so that machines of a fleet reach it (127.0.0.1). `delay`: milliseconds that
 * everything takes longer, each way (0).
 */
export async function startProxy(
  target: string,
  { address: host = '127.0.0.1', delay = 0 }: { address?: string; delay?: number } = {},
): Promise<Proxy> {
  let { hostname, port } = new URL(target)
  const sockets = new Set<Socket>()
  const forgotten = new WeakSet<Socket>()
  let mode: 'pass' | 'refuse' | 'freeze' | 'mute' = 'pass'
  let left = Number.POSITIVE_INFINITY

  const cut = (): void => {
    for (const socket of sockets) socket.resetAndDestroy()
    sockets.clear()
  }
  /** Timers of one length go off in the order they were set. */
  const later = (action: () => void): void => {
    if (delay === 0) action()
    else setTimeout(action, delay)
  }
  const own = (socket: Socket, other: Socket): void => {
    sockets.add(socket)
    socket.on('error', () => {})
    socket.on('close', () => {
      sockets.delete(socket)
      if (mode !== 'freeze') later(() => other.destroy())
    })
  }
  let asked = 0
  const server = createServer((client) => {
    asked++
    if (mode === 'refuse') {
      client.resetAndDestroy()
      return
    }
    const upstream = dial(Number(port), hostname)
    own(client, upstream)
    own(upstream, client)
    client.on('data', (data) => {
      if (mode !== 'freeze' && !forgotten.has(client)) later(() => upstream.write(data))
    })
    upstream.on('data', (data) => {
      if (mode !== 'pass' || forgotten.has(upstream)) return
      const part = data.subarray(0, left)
      later(() => client.write(part))
      left -= data.length
      if (left > 0) return
      left = Number.POSITIVE_INFINITY
      setImmediate(cut)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, host, resolve))
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('the proxy has no port')
  return {
    url: `http://${host}:${address.port}`,
    get asked() {
      return asked
    },
    cut,
    refuse: () => {
      mode = 'refuse'
      cut()
    },
    freeze: () => {
      mode = 'freeze'
    },
    forget: () => {
      for (const socket of sockets) forgotten.add(socket)
    },
    mute: () => {
      mode = 'mute'
    },
    slow: (milliseconds) => {
      delay = milliseconds
      cut()
    },
    cutAfter: (bytes) => {
      left = bytes
    },
    heal: () => {
      if (mode !== 'pass') cut()
      mode = 'pass'
    },
    aim: (next) => {
      ;({ hostname, port } = new URL(next))
      cut()
    },
    stop: async () => {
      cut()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
