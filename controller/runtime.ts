import { moveServers, numbered, type Running, readRunning } from './servers.ts'

export interface RuntimeOptions {
  /** Tells the running proxy a command. Rejects with its words unless it does it. */
  tell(command: string): Promise<void>
  onFailure(error: Error): void
}

/** Changes the servers of a proxy while it runs. It knows what the proxy has, or that it does not. */
export class Runtime {
  readonly #options: RuntimeOptions
  #running: Running | null = null

  constructor(options: RuntimeOptions) {
    this.#options = options
  }

  /** The proxy has read this text, or will when it starts. */
  read(text: string): void {
    this.#running = readRunning(text)
  }

  /** What the proxy has is not known. */
  forget(): void {
    this.#running = null
  }

  /**
   * Makes the proxy do as one that has read `text`, and answer for this generation. Returns whether it does; where not,
   * it is to read the text, and answers for none if it was changed by half.
   */
  async move(text: string, generation: number): Promise<boolean> {
    const move = this.#running && moveServers(this.#running, text)
    this.#running = null
    if (!move) return false
    try {
      for (const command of [numbered(0), ...move.commands, numbered(generation)])
        await this.#options.tell(command)
    } catch (error) {
      this.#options.onFailure(error as Error)
      return false
    }
    await this.#sweep(move.after)
    this.#running = move.after
    return true
  }

  /** Removes servers that nothing uses any more. Those that something uses are left for the next time. */
  async #sweep({ backends, idle }: Running): Promise<void> {
    for (const id of idle) {
      const [backend = '', server = ''] = id.split('/')
      await this.#options.tell(`del server ${id}`).then(
        () => {
          backends.get(backend)?.servers.delete(server)
          idle.delete(id)
        },
        () => {},
      )
    }
  }
}
