import { type Move, moveServers, numbered, type Running, readRunning } from './servers.ts'

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

  /** How the proxy would do as one that has read `text`; null where only reading it does that. */
  plan(text: string): Move | null {
    return this.#running && moveServers(this.#running, text)
  }

  /**
   * Makes a plan true, and the proxy answer for this generation. Returns whether it does; where not, it is to read the
   * text, and answers for no generation if it was changed by half.
   */
  async move(plan: Move, generation: number): Promise<boolean> {
    this.#running = null
    try {
      for (const command of [numbered(0), ...plan.commands, numbered(generation)])
        await this.#options.tell(command)
    } catch (error) {
      this.#options.onFailure(error as Error)
      return false
    }
    await this.#sweep(plan.after)
    this.#running = plan.after
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
