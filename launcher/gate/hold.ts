/** How many requests may be held. */
export interface HoldLimits {
  perApp: number
  perClient: number
  total: number
}

/** Counts held requests, so that neither one app, nor one client, nor all of them can use up this process. */
export class Holds {
  readonly #limits: HoldLimits
  readonly #apps = new Map<string, number>()
  readonly #clients = new Map<string, number>()
  #total = 0

  constructor(limits: HoldLimits) {
    this.#limits = limits
  }

  get total(): number {
    return this.#total
  }

  /**
   * Takes a place for a request to `app` (canonical name) by `client` (its address, '' where unknown: not counted).
   * Returns null, or whose places are all taken.
   */
  enter(app: string, client: string): keyof HoldLimits | null {
    const { perApp, perClient, total } = this.#limits
    if (this.#total >= total) return 'total'
    if ((this.#apps.get(app) ?? 0) >= perApp) return 'perApp'
    if (client !== '' && (this.#clients.get(client) ?? 0) >= perClient) return 'perClient'
    count(this.#apps, app, 1)
    if (client !== '') count(this.#clients, client, 1)
    this.#total += 1
    return null
  }

  /** Gives back a place that {@link enter} took. */
  leave(app: string, client: string): void {
    count(this.#apps, app, -1)
    if (client !== '') count(this.#clients, client, -1)
    this.#total -= 1
  }
}

function count(counts: Map<string, number>, key: string, more: number): void {
  const sum = (counts.get(key) ?? 0) + more
  if (sum > 0) counts.set(key, sum)
  else counts.delete(key)
}
