import { canonical } from '../../model/name.ts'
import type { Progress } from '../../model/progress.ts'

export type ProgressListener = (progress: Progress) => void

/** Shows how far each wake is to whoever looks: waiting pages, the API, the command. */
export class Board {
  readonly #current = new Map<string, Progress>()
  readonly #listeners = new Set<ProgressListener>()
  readonly #byApp = new Map<string, Set<ProgressListener>>()

  /** The wake of `app` that is under way, or null. */
  current(app: string): Progress | null {
    return this.#current.get(canonical(app)) ?? null
  }

  /** Tells the next step of a wake. `ready` and `failed` end it. */
  report(progress: Progress): void {
    const name = canonical(progress.app)
    if (progress.phase === 'ready' || progress.phase === 'failed') this.#current.delete(name)
    else this.#current.set(name, progress)
    for (const listener of [...(this.#byApp.get(name) ?? []), ...this.#listeners])
      listener(progress)
  }

  /** Follows all wakes, or those of one app. */
  follow(listener: ProgressListener, app?: string): () => void {
    if (app === undefined) {
      this.#listeners.add(listener)
      return () => this.#listeners.delete(listener)
    }
    const name = canonical(app)
    const listeners = this.#byApp.get(name) ?? new Set()
    this.#byApp.set(name, listeners.add(listener))
    return () => {
      listeners.delete(listener)
      if (listeners.size === 0 && this.#byApp.get(name) === listeners) this.#byApp.delete(name)
    }
  }
}
