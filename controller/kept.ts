import type { ConfigurationFiles } from './apply.ts'

/** A text, whole or in pieces. */
export type Text = string | Iterable<string>

export interface KeptFile extends Pick<ConfigurationFiles, 'read' | 'adopt' | 'settle'> {
  propose(text: Text): Promise<unknown>
}

/** How many times as long as a write took nothing is written after it, and for how many milliseconds at least and at most. */
const SHARE = 20
const SHORTEST = 1000
const LONGEST = 10_000

/**
 * A text that is written behind what is done: of several in a row the last one, at once after a quiet spell, then now and
 * then, so that a long one costs no more than a part of the time, and a short one is not on a disk's way each time that
 * etcd may have to wait for. A failure is told once and costs nothing else; it is tried again for as long as it takes, as
 * nobody says when a disk has room again.
 */
export class Kept {
  readonly #file: KeptFile
  readonly #onFailure: (error: Error) => void
  /** what is to be written; it is made when that begins */
  #next: (() => Text) | null = null
  #writing: Promise<void> | null = null
  #failure = ''
  #rest: NodeJS.Timeout | undefined
  #stopped = false

  constructor(file: KeptFile, onFailure: (error: Error) => void) {
    this.#file = file
    this.#onFailure = onFailure
  }

  /** What the last process kept, null if nothing. Rejects where it cannot be read. */
  read(): Promise<string | null> {
    return this.#file.read()
  }

  /** @param text makes it; asked once, later on */
  keep(text: () => Text): void {
    this.#next = text
    if (!this.#writing && !this.#rest) void this.#begin()
  }

  /** Resolves when all that was kept is written, or could not be. */
  async tried(): Promise<void> {
    await this.#writing
    if (this.#failure === '') await this.#begin()
  }

  /** Tries no more; resolves when the last try is over. */
  async stop(): Promise<void> {
    this.#stopped = true
    await this.tried()
    clearTimeout(this.#rest)
  }

  #begin(): Promise<void> {
    clearTimeout(this.#rest)
    this.#rest = undefined
    const text = this.#next
    if (!text || this.#writing) return this.#writing ?? Promise.resolve()
    this.#next = null
    const began = performance.now()
    this.#writing = this.#write(text).then(() => {
      this.#writing = null
      if (this.#stopped) return
      const share = Math.min(LONGEST, SHARE * (performance.now() - began))
      const rest = this.#failure === '' ? Math.max(SHORTEST, share) : SHORTEST
      this.#rest = setTimeout(() => void this.#begin(), rest)
    })
    return this.#writing
  }

  async #write(text: () => Text): Promise<void> {
    try {
      await this.#file.propose(text())
      await this.#file.adopt()
      await this.#file.settle()
      this.#failure = ''
    } catch (error) {
      this.#next ??= text
      const { message } = error as Error
      if (message !== this.#failure) this.#onFailure(error as Error)
      this.#failure = message
    }
  }
}
