import type { Entry } from '../model/state.ts'
import type { PublicationOptions } from './endpoint-store.ts'

/** Somebody else holds a key of ours: first that is only told; if it lasts, our instance is the one too many. */
export class Dispute {
  readonly #key: string
  readonly #options: PublicationOptions
  /** performance.now() since when, null while there is none */
  #since: number | null = null

  constructor(key: string, options: PublicationOptions) {
    this.#key = key
    this.#options = options
  }

  /** The key was seen with `holder` again. */
  goesOn(holder: Entry): void {
    const { patience, onWrite, onConflict, log } = this.#options
    const now = performance.now()
    if (this.#since === null) {
      this.#since = now
      onWrite('conflict')
      log.warn({ key: this.#key, holder: holder.value }, 'key is held by somebody else')
    } else if (now - this.#since > patience) {
      this.#since = now
      onConflict(this.#key, holder)
    }
  }

  /** The key is ours, or we do not want it any more. */
  end(): void {
    this.#since = null
  }
}
