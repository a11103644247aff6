/** How a server came to be in a pool: it was listed, it was found, it said so itself. */
export type Reason = 'listed' | 'found' | 'announced'

/** Who is in which pool, and why: in for as long as there is a reason. */
export class Members {
  readonly #onChange: (pool: string, addresses: ReadonlySet<string>) => void
  /** by pool, then host:port */
  readonly #reasons = new Map<string, Map<string, Set<Reason>>>()

  constructor(onChange: (pool: string, addresses: ReadonlySet<string>) => void) {
    this.#onChange = onChange
  }

  set(pool: string, address: string, reason: Reason, isSo: boolean): void {
    const all = this.#reasons.get(pool) ?? new Map<string, Set<Reason>>()
    const reasons = all.get(address) ?? new Set<Reason>()
    this.#reasons.set(pool, all.set(address, reasons))
    if (isSo) reasons.add(reason)
    else reasons.delete(reason)
    if (reasons.size === 0) all.delete(address)
    this.#onChange(pool, new Set(all.keys()))
  }

  /** How many servers there are for each reason. */
  census(): Record<Reason, number> {
    const count = { listed: 0, found: 0, announced: 0 }
    for (const all of this.#reasons.values())
      for (const reasons of all.values()) for (const reason of reasons) count[reason]++
    return count
  }
}
