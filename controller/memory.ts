import { z } from 'zod'
import type { Entry } from '../model/state.ts'
import type { ConfigurationFiles } from './apply.ts'

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
export type Remembered = z.output<typeof Remembered>

export type MemoryFile = Pick<ConfigurationFiles, 'read' | 'propose' | 'adopt' | 'settle'>

/**
 * What a controller knows of the configuration that runs, over its own restarts: without it, one that starts beside an
 * etcd that lost its data would take the empty list for the truth. It is a help only: a file that cannot be read or
 * written is told of and costs nothing else.
 */
export class Memory {
  readonly #file: MemoryFile
  readonly #onFailure: (error: Error) => void
  #written = ''
  #next: string | null = null
  #writing: Promise<void> | null = null

  constructor(file: MemoryFile, onFailure: (error: Error) => void) {
    this.#file = file
    this.#onFailure = onFailure
  }

  /** What the last controller kept, null if nothing that makes sense. */
  async recall(): Promise<Remembered | null> {
    try {
      const text = await this.#file.read()
      if (text === null) return null
      const remembered = Remembered.parse(JSON.parse(text))
      this.#written = text
      return remembered
    } catch (error) {
      this.#onFailure(error as Error)
      return null
    }
  }

  /** Keeps it; of several in a row the last one. */
  keep(remembered: Remembered): void {
    this.#next = JSON.stringify(remembered)
    this.#writing ??= this.#write().finally(() => {
      this.#writing = null
    })
  }

  /** Resolves when all is written that was kept. */
  async stop(): Promise<void> {
    await this.#writing
  }

  async #write(): Promise<void> {
    while (this.#next !== null && this.#next !== this.#written) {
      const text = this.#next
      try {
        await this.#file.propose(text)
        await this.#file.adopt()
        await this.#file.settle()
        this.#written = text
      } catch (error) {
        this.#next = null
        this.#onFailure(error as Error)
      }
    }
  }
}
