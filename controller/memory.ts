import { z } from 'zod'
import type { Entry } from '../model/state.ts'
import { Kept, type KeptFile } from './kept.ts'

const Whole = z.string().regex(/^[0-9]{1,20}$/)

const Remembered = z.object({
  /** etcd's revision at which that was so */
  revision: Whole,
  /** what the running configuration was made of */
  entries: z.array(
    z.object({
      key: z.string(),
      value: z.string(),
      modRevision: Whole,
      createRevision: Whole,
      lease: z.string(),
    }) satisfies z.ZodType<Entry>,
  ),
})
type Remembered = z.output<typeof Remembered>

/**
 * What a controller knows of the configuration that runs, over its own restarts: without it, one that starts beside an
 * etcd that lost its data would take the empty list for the truth. It is a help only: a file that cannot be read or
 * written is told of and costs nothing else.
 */
export class Memory {
  readonly #kept: Kept
  readonly #onFailure: (error: Error) => void

  constructor(file: KeptFile, onFailure: (error: Error) => void) {
    this.#kept = new Kept(file, onFailure)
    this.#onFailure = onFailure
  }

  /** What the last controller kept, null if nothing that makes sense. */
  async recall(): Promise<Remembered | null> {
    try {
      const text = await this.#kept.read()
      return text === null ? null : Remembered.parse(JSON.parse(text))
    } catch (error) {
      this.#onFailure(error as Error)
      return null
    }
  }

  /**
   * Keeps it; of several in a row the last one.
   * @param entries what the running configuration was made of, asked when it is written
   */
  keep(revision: string, entries: () => Iterable<Entry>): void {
    this.#kept.keep(() => pieces(revision, entries()))
  }

  /** Resolves when all is written that was kept. */
  async stop(): Promise<void> {
    await this.#kept.stop()
  }
}

/** All of it in pieces of some 64 kB: it is written in between, so that nothing else waits for all of it. */
function* pieces(revision: string, entries: Iterable<Entry>): Generator<string> {
  let piece = `{"revision":${JSON.stringify(revision)},"entries":[`
  let between = ''
  for (const entry of entries) {
    piece += between + JSON.stringify(entry)
    between = ','
    if (piece.length < 65_536) continue
    yield piece
    piece = ''
  }
  yield `${piece}]}`
}
