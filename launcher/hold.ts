/** How many requests may be held. */
export interface HoldLimits {
  perApp: number
  total: number
}

/** Counts held requests, so that neither one app nor all of them can use up this process. */
export class Holds {
  readonly #limits: HoldLimits
  readonly #apps = new Map<string, number>()
  #total = 0

  constructor(limits: HoldLimits) {
    this.#limits = limits
  }

  get total(): number {
    return this.#total
  }

  /** Takes a place for a request to `app` (canonical name). Returns false if there is none left. */
  enter(app: string): boolean {
    const count = this.#apps.get(app) ?? 0
    if (count >= this.#limits.perApp || this.#total >= this.#limits.total) return false
    this.#apps.set(app, count + 1)
    this.#total += 1
    return true
  }

  /** Gives back a place that {@link enter} took. */
  leave(app: string): void {
    const count = this.#apps.get(app) ?? 0
    if (count > 1) this.#apps.set(app, count - 1)
    else this.#apps.delete(app)
    this.#total -= 1
  }
}
