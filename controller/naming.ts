import type { Rejection } from '../model/state.ts'

const QUIET = 60_000
const LARGEST = 10_000

/** Decides which rejected entries are worth a line: each once, again after a minute at the earliest however often it is written. */
export class Naming {
  readonly #named = new Map<string, { reason: string; until: number }>()

  /** @param now milliseconds of a steady clock */
  isNews({ key, reason }: Rejection, now: number): boolean {
    const known = this.#named.get(key)
    if (known && known.reason === reason && known.until > now) return false
    if (this.#named.size >= LARGEST) this.#named.clear()
    this.#named.set(key, { reason, until: now + QUIET })
    return true
  }
}
