import { PassThrough, type Readable } from 'node:stream'
import type { FastifyReply } from 'fastify'

/** How often a silent stream says that it lives, milliseconds; proxies cut silent ones after 60 s. */
const PING = 15_000
/** A reader that is this far behind is let go, bytes; it may come again. */
const BEHIND = 1024 ** 2

/** Server-sent events to one reader. */
export class EventStream {
  readonly #stream = new PassThrough({ highWaterMark: BEHIND })
  readonly #ping: NodeJS.Timeout

  /** @param closed called once, when the reader is gone or the stream has ended */
  constructor(closed: () => void) {
    this.#ping = setInterval(() => this.#stream.write(':\n\n'), PING)
    this.#stream.once('close', () => {
      clearInterval(this.#ping)
      closed()
    })
    this.#stream.write(':\n\n') // the headers leave at once
  }

  /** What to answer with. */
  open(reply: FastifyReply): Readable {
    reply.type('text/event-stream').header('x-accel-buffering', 'no')
    return this.#stream
  }

  send(event: string, data: object): void {
    if (this.#stream.destroyed || this.#stream.writableEnded) return
    if (this.#stream.writableLength + this.#stream.readableLength > BEHIND) this.#stream.destroy()
    else this.#stream.write(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`)
  }

  end(): void {
    clearInterval(this.#ping)
    this.#stream.end()
  }

  /** Ends it though its reader may have stopped reading: what is not sent yet is lost. */
  cut(): void {
    this.#stream.destroy()
  }
}
