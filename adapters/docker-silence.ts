import type { Container } from '../model/container.ts'

/** What events tell of a container's state: `created` and `exited` differ by an event that may be a failed start. */
function coarse({ state }: Container): string {
  return state === 'running' || state === 'paused' ? state : 'down'
}

/**
 * Finds out that a stream of events is dead although nothing broke it, by what lists show and no event told. It keeps
 * what was told since the list before the last: an event may overtake the list that shows what it tells.
 */
export class Silence {
  #states: ReadonlyMap<string, string> | null = null
  #told = new Set<string>()
  #earlier: ReadonlySet<string> = new Set()

  hear(id: string): void {
    this.#told.add(id)
  }

  /** Whether an event of the container came lately. */
  isTold(id: string): boolean {
    return this.#told.has(id) || this.#earlier.has(id)
  }

  /** Takes the next list. Returns the containers that changed since the last one without an event, until now. */
  compare(containers: readonly Container[]): string[] {
    const before = this.#states
    const now = new Map(containers.map((container) => [container.id, coarse(container)]))
    this.#states = now
    const ids = new Set([...(before?.keys() ?? []), ...now.keys()])
    const untold = [...ids].filter((id) => before?.get(id) !== now.get(id) && !this.isTold(id))
    this.#earlier = this.#told
    this.#told = new Set()
    return before ? untold : []
  }
}
