/** A line longer than this is cut: it is memory of ours that an app fills. */
const LONGEST = 16_384

/** Gathers pieces of text into lines. */
class Lines {
  #rest = ''

  push(text: string): string[] {
    const parts = (this.#rest + text).split('\n')
    this.#rest = (parts.pop() ?? '').slice(0, LONGEST)
    return parts.map((part) => part.replace(/\r$/, '').slice(0, LONGEST))
  }

  end(): string[] {
    return this.#rest === '' ? [] : [this.#rest]
  }
}

/** Lines of a plain stream: JSON streams, and the logs of a container with a terminal. */
export async function* plainLines(stream: AsyncIterable<Buffer>): AsyncGenerator<string> {
  const decoder = new TextDecoder()
  const lines = new Lines()
  for await (const chunk of stream) yield* lines.push(decoder.decode(chunk, { stream: true }))
  yield* lines.end()
}

/**
 * Lines of a framed log stream: `[1|2, 0, 0, 0, length as 4 bytes]` before each piece of stdout or stderr. Pieces of
 * the two are joined apart, so that a half line of one does not run into the other.
 */
export async function* framedLines(stream: AsyncIterable<Buffer>): AsyncGenerator<string> {
  const outputs = [1, 2].map(() => ({ decoder: new TextDecoder(), lines: new Lines() }))
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
