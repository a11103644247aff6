import { Recent } from '../../model/recent.ts'

/** Sources that are kept account of. */
const SOURCES = 1024

/**
 * How much each sender may say: `rate` a second on the average, `burst` at once. One that floods spends its own share
 * and nobody else's. Of more senders than can be remembered the one that was quiet the longest is forgotten.
 */
export class Budget {
  readonly #rate: number
  readonly #burst: number
  /** by source */
  readonly #accounts = new Recent<string, { left: number; at: number }>(SOURCES)

  constructor(rate: number, burst: number) {
    this.#rate = rate
    this.#burst = burst
  }

  /** @param now milliseconds of a steady clock */
  spend(source: string, now: number): boolean {
    const known = this.#accounts.get(source)
    const earned = known ? ((now - known.at) * this.#rate) / 1000 : 0
    const left = known ? Math.min(this.#burst, known.left + earned) : this.#burst
    this.#accounts.set(source, { left: left >= 1 ? left - 1 : left, at: now })
    return left >= 1
  }
}
