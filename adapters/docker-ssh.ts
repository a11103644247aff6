import { Agent } from 'node:http'
import { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { EngineError } from './docker-error.ts'
import type { SshTunnel } from './ssh-tunnel.ts'

type Created = (error: Error | null, stream?: Duplex) => void

/** Milliseconds that what ssh says of a connection may come later than its end. */
const LATE = 50

/** ssh takes each connection, closes it when there is nothing behind it, and says why on a channel of its own. */
class TunnelSocket extends Socket {
  readonly #tunnel: SshTunnel

  constructor(tunnel: SshTunnel) {
    super()
    this.#tunnel = tunnel
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    if (!error || this.bytesRead > 0) return super._destroy(error, done)
    setTimeout(() => {
      const { complaint } = this.#tunnel
      super._destroy(complaint === '' ? error : new EngineError('unreachable', complaint), done)
    }, LATE)
  }
}

/** Connections through a tunnel: each waits until it is up, and fails in the words of ssh. */
export class TunnelAgent extends Agent {
  readonly #tunnel: SshTunnel

  constructor(tunnel: SshTunnel) {
    super({ keepAlive: false })
    this.#tunnel = tunnel
  }

  override createConnection(_options: object, created: Created): undefined {
    this.#tunnel.open().then(
      (path) => created(null, new TunnelSocket(this.#tunnel).connect({ path })),
      (error: Error) => created(new EngineError('unreachable', error.message)),
    )
  }
}
