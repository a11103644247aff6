import type { Container } from '../model/container.ts'

/** An inspection on its way. */
interface Look {
  isOvertaken: boolean
  done: Promise<void>
}

/** Inspections at once while a list is gone through. */
const WIDTH = 16
/** An engine that reports changes faster than it answers is asked again after the next list. */
const ATTEMPTS = 5

export interface InspectionsOptions {
  inspect(id: string): Promise<Container | null>
  onSeen(id: string, container: Container | null): void
  onFailure(id: string, reason: string): void
}

/**
 * Asks the engine what containers are now, one question per container at a time. An answer that an event overtook is
 * worth nothing: the container may have died since, and its port may be another's.
 */
export class Inspections {
  readonly #options: InspectionsOptions
  readonly #looks = new Map<string, Look>()
  #isStopped = false

  constructor(options: InspectionsOptions) {
    this.#options = options
  }

  /** Something happened to the container. */
  overtake(id: string): void {
    const look = this.#looks.get(id)
    if (look) look.isOvertaken = true
  }

  /** Resolves when an answer asked for after this call was told, or the engine failed to give one. */
  look(id: string): Promise<void> {
    const running = this.#looks.get(id)
    if (running) {
      running.isOvertaken = true
      return running.done
    }
    const look: Look = { isOvertaken: false, done: Promise.resolve() }
    this.#looks.set(id, look)
    look.done = this.#look(id, look).finally(() => this.#looks.delete(id))
    return look.done
  }

  /** {@link look} for many, a few at a time. */
  async lookAll(ids: string[]): Promise<void> {
    const rest = [...ids]
    const work = async (): Promise<void> => {
      for (let id = rest.pop(); id !== undefined; id = rest.pop()) await this.look(id)
    }
    await Promise.all(Array.from({ length: WIDTH }, work))
  }

  stop(): void {
    this.#isStopped = true
  }

  async #look(id: string, look: Look): Promise<void> {
    for (let attempt = 0; attempt < ATTEMPTS && !this.#isStopped; attempt++) {
      look.isOvertaken = false
      let container: Container | null
      try {
        container = await this.#options.inspect(id)
      } catch (error) {
        return this.#options.onFailure(id, error instanceof Error ? error.message : String(error))
      }
      if (!look.isOvertaken && !this.#isStopped) return this.#options.onSeen(id, container)
    }
  }
}
