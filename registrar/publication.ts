import type { ClusterChange } from './cluster.ts'
import type { EndpointStore, Leases, PublicationOptions } from './endpoint-store.ts'
import { SlotKey } from './slot-key.ts'

/**
 * Keeps the Endpoint keys of this process in etcd as wanted, over any loss of etcd, of the lease, or of single keys.
 */
export class Publication {
  readonly #store: EndpointStore
  readonly #options: PublicationOptions
  readonly #keys = new Map<string, SlotKey>()
  readonly #own = new Set<string>()
  readonly #inherited = new Set<string>()
  readonly #leases: Leases = { present: null, own: this.#own }
  /** revision of the latest news */
  #revision = 0n
  #isStopped = false

  constructor(store: EndpointStore, options: PublicationOptions) {
    this.#store = store
    this.#options = options
  }

  /** Everything wanted moves under `lease`. */
  useLease(lease: string): void {
    this.#leases.present = lease
    this.#own.add(lease)
    for (const key of this.#keys.values()) key.kick()
  }

  /** Entries under `lease` are ours too: the process before us, on this host, wrote them. */
  inherit(lease: string): void {
    this.#own.add(lease)
    this.#inherited.add(lease)
  }

  /** Wants `key` to say `value`. */
  publish(key: string, value: string): void {
    this.#at(key).publish(value)
  }

  /**
   * Wants `key` gone. Resolves with the revision of its removal ('0' if it was not there) once that is done, however
   * long etcd is away, or with null if it is wanted again before.
   */
  withdraw(key: string): Promise<string | null> {
    return this.#keys.get(key)?.withdraw() ?? Promise.resolve('0')
  }

  /** What is wanted under `key`, null if nothing. */
  wanted(key: string): string | null {
    return this.#keys.get(key)?.want ?? null
  }

  /** Keys that are wanted. */
  keys(): string[] {
    return [...this.#keys.values()].filter(({ want }) => want !== null).map(({ key }) => key)
  }

  /**
   * Takes news of the Endpoint keys. An entry that the process before us left is taken over as it is, so that its route
   * stays; whoever knows the instances withdraws what no longer holds. Another one under a lease of ours is an echo, or
   * a write that was given up and happened all the same: it is removed.
   */
  observe(change: ClusterChange, revision: string): void {
    if (BigInt(revision) < this.#revision) for (const key of this.#keys.values()) key.forget()
    this.#revision = BigInt(revision)
    if (change.type === 'delete') {
      this.#keys.get(change.key)?.observe(null, revision, change.seen ?? false)
      return
    }
    const { key, value, lease, modRevision } = change.entry
    if (!this.#keys.has(key) && !this.#own.has(lease)) return
    const isNew = !this.#keys.has(key)
    const mine = this.#at(key)
    if (isNew && this.#inherited.has(lease)) mine.want = value
    mine.observe({ value, lease, modRevision }, modRevision)
  }

  /** Stops all writing. What is in etcd stays there until its lease ends. */
  stop(): void {
    this.#isStopped = true
    for (const key of this.#keys.values()) key.stop()
  }

  #at(key: string): SlotKey {
    let known = this.#keys.get(key)
    if (!known) {
      known = new SlotKey(key, this.#store, this.#leases, this.#options, () =>
        this.#keys.delete(key),
      )
      if (this.#isStopped) known.stop()
      this.#keys.set(key, known)
    }
    return known
  }
}
