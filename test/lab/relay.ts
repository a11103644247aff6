import { createServer, connect as dial, type Socket } from 'node:net'
import { alone } from './engine-call.ts'

/** A socket in front of an engine whose streams of events a test can break while all other calls pass. */
export interface Relay {
  /** `unix:///...` */
  readonly url: string
  /** How many calls of a path, like `/events`, came so far. */
  asked(path: string): number
  /** Events stay away, of streams there are and of new ones, and nothing is closed: a line that died without a word. */
  deafen(): void
  /** Closes every stream of events. */
  cut(): void
  /** New streams of events wait at the door until they are let in or everything is healed. */
  hold(): void
  /** New streams pass. Those that were deafened stay deaf. */
  heal(): void
  stop(): Promise<void>
}

/** Starts it at the socket `path`, in front of the engine at `target` (`unix:///...`). */
export async function startRelay(target: string, path: string): Promise<Relay> {
  const engine = target.replace('unix://', '')
  const sockets = new Set<Socket>()
  const streams = new Map<Socket, { isDeaf: boolean }>()
  const held = new Set<() => void>()
  const counts = new Map<string, number>()
  let mode: 'pass' | 'deaf' | 'hold' = 'pass'

  const own = (socket: Socket, other: Socket): void => {
    sockets.add(socket)
    socket.on('error', () => {})
    socket.on('close', () => {
      sockets.delete(socket)
      streams.delete(socket)
      other.destroy()
    })
  }
  const forward = (client: Socket, first: Buffer, isStream: boolean): void => {
    const upstream = dial(engine)
    own(client, upstream)
    own(upstream, client)
    const stream = { isDeaf: isStream && mode === 'deaf' }
    if (isStream) streams.set(client, stream)
    upstream.write(alone(first))
    client.on('data', (data) => upstream.write(data))
    upstream.on('data', (data) => stream.isDeaf || client.write(data))
  }
  // Its path comes with the first bytes of each call.
  const server = createServer((client) => {
    client.on('error', () => {})
    client.once('data', (first) => {
      const call = /^[A-Z]+ (?:\/v[0-9.]+)?(\/[^? ]*)/.exec(first.toString('latin1'))?.[1] ?? ''
      counts.set(call, (counts.get(call) ?? 0) + 1)
      const isStream = call === '/events'
      if (isStream && mode === 'hold') held.add(() => forward(client, first, true))
      else forward(client, first, isStream)
    })
  })
  await new Promise<void>((resolve) => server.listen(path, resolve))
  return {
    url: `unix://${path}`,
    asked: (call) => counts.get(call) ?? 0,
    deafen: () => {
      mode = 'deaf'
      for (const stream of streams.values()) stream.isDeaf = true
    },
    cut: () => {
      for (const socket of [...streams.keys()]) socket.destroy()
    },
    hold: () => {
      mode = 'hold'
    },
    heal: () => {
      mode = 'pass'
      for (const go of held) go()
      held.clear()
    },
    stop: async () => {
      for (const socket of sockets) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
