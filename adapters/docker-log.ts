/** A line longer than this is cut: it is memory of ours that others fill. */
const LONGEST = { log: 16_384, json: 1_048_576 }

/** Gathers pieces of text into lines. */
class Lines {
  readonly #longest: number
  #rest = ''

  constructor(longest: number) {
    this.#longest = longest
  }

  push(text: string): string[] {
    const parts = (this.#rest + text).split('\n')
    this.#rest = (parts.pop() ?? '').slice(0, this.#longest)
    return parts.map((part) => part.replace(/\r$/, '').slice(0, this.#longest))
  }

  end(): string[] {
    return this.#rest === '' ? [] : [this.#rest]
  }
}

/** Lines of a stream of JSON objects, one on each: events, pulls. */
export function jsonLines(stream: AsyncIterable<Buffer>): AsyncGenerator<string> {
  return linesOf(stream, LONGEST.json)
}

/** Lines of the logs of a container with a terminal: they have no frames. */
export function plainLines(stream: AsyncIterable<Buffer>): AsyncGenerator<string> {
  return linesOf(stream, LONGEST.log)
}

async function* linesOf(stream: AsyncIterable<Buffer>, longest: number): AsyncGenerator<string> {
  const decoder = new TextDecoder()
  const lines = new Lines(longest)
  for await (const chunk of stream) yield* lines.push(decoder.decode(chunk, { stream: true }))
  yield* lines.end()
}

/**
 * Lines of a framed log stream: `[1|2, 0, 0, 0, length as 4 bytes]` before each piece of stdout or stderr. Pieces of
 * the two are joined apart, so that a half line of one does not run into the other.
 */
export async function* framedLines(stream: AsyncIterable<Buffer>): AsyncGenerator<string> {
  const outputs = [1, 2].map(() => ({ decoder: new TextDecoder(), lines: new Lines(LONGEST.log) }))
  let pending: Buffer = Buffer.alloc(0)
  for await (const chunk of stream) {
    pending = pending.length === 0 ? chunk : Buffer.concat([pending, chunk])
    while (pending.length >= 8) {
      const length = pending.readUInt32BE(4)
      if (pending.length < 8 + length) break
      const output = outputs[pending[0] === 2 ? 1 : 0]
      const piece = pending.subarray(8, 8 + length)
      pending = pending.subarray(8 + length)
      if (output) yield* output.lines.push(output.decoder.decode(piece, { stream: true }))
    }
  }
  for (const output of outputs) yield* output.lines.end()
}
