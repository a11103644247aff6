import { setTimeout as pause } from 'node:timers/promises'
import { WebSocket } from 'ws'

/** Milliseconds that an echo may take on a machine that is busy with everything else. */
const PATIENCE = 5_000

/** WebSockets to an app that echoes, through all gateways in turn. */
export class OpenSockets {
  readonly #sockets: readonly WebSocket[]

  private constructor(sockets: readonly WebSocket[]) {
    this.#sockets = sockets
  }

  /** Resolves when all are open; rejects if one is not taken. */
  static async open(origins: readonly string[], path: string, count: number): Promise<OpenSockets> {
    const sockets = Array.from({ length: count }, (_, index) => {
      const { host } = new URL(origins[index % origins.length] as string)
      return new WebSocket(`ws://${host}${path}`)
    })
    await Promise.all(
      sockets.map(
        (socket) =>
          new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject)),
      ),
    )
    for (const socket of sockets) socket.on('error', () => {})
    return new OpenSockets(sockets)
  }

  /** Closes them. A sentence for each that was closed before, or does not echo any more. */
  async close(): Promise<string[]> {
    const asked = this.#sockets.map(async (socket, index) => {
      const works = socket.readyState === WebSocket.OPEN && (await echoes(socket))
      socket.terminate()
      return works ? [] : [`socket ${index} was cut`]
    })
    return (await Promise.all(asked)).flat()
  }
}

async function echoes(socket: WebSocket): Promise<boolean> {
  const heard = new Promise<boolean>((resolve) => socket.once('message', () => resolve(true)))
  socket.send('still here')
  return await Promise.race([heard, pause(PATIENCE, false, { ref: false })])
}
