import { EventEmitter } from 'node:events'
import { StringDecoder } from 'node:string_decoder'

/** 1 is stdout, 2 is stderr, as in Docker's framing. */
export type Stream = 1 | 2

/** Bytes of output kept per container; older lines go first. */
const KEPT = 256 * 1024
/** A line without an end is cut here, as Docker does. */
const LONGEST = 16 * 1024

/** A piece of output in Docker's framing: `[stream, 0, 0, 0, length as 4 bytes]`, then the text. */
export function frame(stream: Stream, text: string): Buffer {
  const body = Buffer.from(text)
  const head = Buffer.alloc(8)
  head[0] = stream
  head.writeUInt32BE(body.length, 4)
  return Buffer.concat([head, body])
}

/** The newest output of a container, line by line, each already framed. Emits `line` for each new one. */
export class Output extends EventEmitter<{ line: [Buffer] }> {
  readonly #lines: Buffer[] = []
  readonly #partial = {
    1: { decoder: new StringDecoder('utf8'), text: '' },
    2: { decoder: new StringDecoder('utf8'), text: '' },
  }
  #size = 0

  constructor() {
    super()
    this.setMaxListeners(0)
  }

  /** Takes what the process wrote, in pieces of any size. */
  write(stream: Stream, chunk: Buffer): void {
    const partial = this.#partial[stream]
    partial.text += partial.decoder.write(chunk)
    const lines = partial.text.split('\n')
    partial.text = lines.pop() ?? ''
    for (const line of lines) this.#add(stream, `${line}\n`)
    if (partial.text.length > LONGEST) this.#flush(stream)
  }

  /** The process has ended: what has no line end yet is a line now. */
  end(): void {
    this.#flush(1)
    this.#flush(2)
  }

  /** The last `count` lines, framed. */
  tail(count: number): Buffer[] {
    return count > 0 ? this.#lines.slice(-count) : []
  }

  #flush(stream: Stream): void {
    const { text } = this.#partial[stream]
    this.#partial[stream].text = ''
    if (text !== '') this.#add(stream, text)
  }

  #add(stream: Stream, text: string): void {
    const line = frame(stream, text)
    this.#lines.push(line)
    this.#size += line.length
    while (this.#size > KEPT && this.#lines.length > 1)
      this.#size -= this.#lines.shift()?.length ?? 0
    this.emit('line', line)
  }
}
