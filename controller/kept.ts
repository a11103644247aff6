import type { ConfigurationFiles } from './apply.ts'

export type KeptFile = Pick<ConfigurationFiles, 'read' | 'propose' | 'adopt' | 'settle'>

/**
 * A text that is written behind what is done: of several in a row the last one. A failure is told once and costs nothing
 * else; it is tried again for as long as it takes, as nobody says when a disk has room again.
 */
export class Kept {
  readonly #file: KeptFile
  readonly #onFailure: (error: Error) => void
  readonly #rest: number
  #written: string | null = null
  #next: string | null = null
  #writing: Promise<void> | null = null
  #failure = ''
  #again: NodeJS.Timeout | undefined

  /** @param rest milliseconds after a failure */
  constructor(file: KeptFile, onFailure: (error: Error) => void, rest = 1000) {
    this.#file = file
    this.#onFailure = onFailure
    this.#rest = rest
  }

  /** What the last process kept, null if nothing. Rejects where it cannot be read. */
  async read(): Promise<string | null> {
    this.#written = await this.#file.read()
    return this.#written
  }

  keep(text: string): void {
    this.#next = text
    this.#begin()
  }

  /** Resolves when all that was kept is written, or could not be. */
  async tried(): Promise<void> {
    await this.#writing
  }

  /** Tries no more; resolves when the last try is over. */
  async stop(): Promise<void> {
    await this.#writing
    clearTimeout(this.#again)
  }

  #begin(): void {
    clearTimeout(this.#again)
    this.#writing ??= this.#write().finally(() => {
      this.#writing = null
    })
  }

  async #write(): Promise<void> {
    while (this.#next !== null && this.#next !== this.#written) {
      const text = this.#next
      try {
        await this.#file.propose(text)
        await this.#file.adopt()
        await this.#file.settle()
        this.#written = text
        this.#failure = ''
      } catch (error) {
        this.#fail(error as Error)
        return
      }
    }
  }

  #fail(error: Error): void {
    if (error.message !== this.#failure) this.#onFailure(error)
    this.#failure = error.message
    this.#again = setTimeout(() => this.#begin(), this.#rest)
  }
}
