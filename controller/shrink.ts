import type { Keys } from '../model/key.ts'
import type { Entry } from '../model/state.ts'

/** One difference, as the informer hands it over. */
export type Change = { type: 'put'; entry: Entry } | { type: 'delete'; key: string; seen: boolean }

/**
 * The guard against an etcd that forgot: a list in which most endpoints are suddenly missing is news, not truth.
 * Their routes stay for one TTL, in which a live registrar registers again. A delete that was seen as an event is
 * never held back, and an address that somebody else registers meanwhile is given up at once. Where etcd went back in
 * time, nothing that is missing was deleted: every route stays for that long, be it the only one, and what Apps, Pools and
 * Blueprints said of routes stays until they are written anew, since nobody does that by himself.
 */
export class ShrinkGuard {
  readonly #keys: Keys
  readonly #patience: number
  /** by endpoint key: address and when it is given up, in milliseconds */
  readonly #held = new Map<string, { address: string; until: number }>()
  /** by endpoint key: its address */
  readonly #known = new Map<string, string>()

  /** @param patience milliseconds a missing endpoint is kept: the TTL of registrars' leases */
  constructor(keys: Keys, patience: number) {
    this.#keys = keys
    this.#patience = patience
  }

  /** Whether something is kept that etcd does not have. */
  get holding(): boolean {
    return this.#held.size > 0
  }

  /**
   * Gives back the changes to take now.
   * @param now milliseconds
   * @param rewound whether the batch is a list of an etcd that was restored or lost its data
   */
  admit(batch: readonly Change[], now: number, rewound = false): Change[] {
    const endpoints = (change: Change) => change.type === 'delete' && this.#known.has(change.key)
    const missing = batch.filter(
      (change) => endpoints(change) && change.type === 'delete' && !change.seen,
    )
    const suspicious = rewound || (missing.length >= 2 && missing.length * 2 > this.#known.size)
    const taken: Change[] = []
    for (const change of batch) {
      if (change.type === 'delete') {
        const address = this.#known.get(change.key)
        if (suspicious && !change.seen && address !== undefined) {
          if (!this.#held.has(change.key))
            this.#held.set(change.key, { address, until: now + this.#patience })
          continue
        }
        if (rewound && !change.seen && this.#isLaw(change.key)) continue
        this.#forget(change.key)
      } else if (this.#keys.parse(change.entry.key)?.kind === 'endpoint') {
        this.#held.delete(change.entry.key)
        this.#known.set(change.entry.key, change.entry.value)
      }
      taken.push(change)
    }
    return [...this.#replaced(batch), ...taken]
  }

  /** The deletes that have waited long enough. */
  due(now: number): Change[] {
    const over = [...this.#held].filter(([, { until }]) => until <= now)
    return over.map(([key]) => this.#give(key))
  }

  /** Held endpoints whose address belongs to another key now. */
  #replaced(batch: readonly Change[]): Change[] {
    const addresses = new Set<string>()
    for (const change of batch) if (change.type === 'put') addresses.add(change.entry.value)
    const lost = [...this.#held].filter(([, { address }]) => addresses.has(address))
    return lost.map(([key]) => this.#give(key))
  }

  #isLaw(key: string): boolean {
    const kind = this.#keys.parse(key)?.kind
    return kind === 'app' || kind === 'blueprint' || kind === 'pool'
  }

  #give(key: string): Change {
    this.#forget(key)
    return { type: 'delete', key, seen: false }
  }

  #forget(key: string): void {
    this.#held.delete(key)
    this.#known.delete(key)
  }
}
