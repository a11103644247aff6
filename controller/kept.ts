import type { ConfigurationFiles } from './apply.ts'

export type KeptFile = Pick<ConfigurationFiles, 'read' | 'propose' | 'adopt' | 'settle'>

/** A text that is written behind what is done: of several in a row the last one. A failure is told and costs nothing else. */
export class Kept {
  readonly #file: KeptFile
  readonly #onFailure: (error: Error) => void
  #written: string | null = null
  #next: string | null = null
  #writing: Promise<void> | null = null

  constructor(file: KeptFile, onFailure: (error: Error) => void) {
    this.#file = file
    this.#onFailure = onFailure
  }

  /** What the last process kept, null if nothing. Rejects where it cannot be read. */
  async read(): Promise<string | null> {
    this.#written = await this.#file.read()
    return this.#written
  }

  keep(text: string): void {
    this.#next = text
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
