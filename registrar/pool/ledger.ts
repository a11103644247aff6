import type { Entry } from '../../model/entry.ts'
import type { Keys } from '../../model/key.ts'
import type { ClusterChange } from '../cluster.ts'

/** Revisions below which nothing is remembered of a key that is gone. */
interface Line {
  entry: Entry | null
  revision: bigint
}

/**
 * What etcd has of the pools of this process, by its own news and by the answers to our writes, whichever came later.
 */
export class Ledger {
  readonly #keys: Keys
  /** by key */
  readonly #lines = new Map<string, Line>()
  #revision = 0n

  constructor(keys: Keys) {
    this.#keys = keys
  }

  /** The entry under `key`, null if there is none. */
  at(key: string): Entry | null {
    return this.#lines.get(key)?.entry ?? null
  }

  /** The entries of a pool by slot. Keys are those of its own spelling. */
  slots(pool: string): Map<number, Entry> {
    const found = new Map<number, Entry>()
    for (const { entry } of this.#lines.values()) {
      const key = entry && this.#keys.parse(entry.key)
      if (entry && key?.kind === 'endpoint' && key.app === pool) found.set(key.slot, entry)
    }
    return found
  }

  /** Leases of all entries. */
  leases(): Set<string> {
    return new Set([...this.#lines.values()].flatMap(({ entry }) => (entry ? [entry.lease] : [])))
  }

  /**
   * Takes news of etcd. Returns the entry that it removed, null if none.
   * @param revision as of which the batch is that the change is part of
   */
  observe(change: ClusterChange, revision: string): Entry | null {
    // restored or replaced: what was written to the one before may be there or not
    if (BigInt(revision) < this.#revision)
      for (const line of this.#lines.values()) line.revision = 0n
    this.#revision = BigInt(revision)
    if (change.type === 'put') {
      this.note(change.entry.key, change.entry, change.entry.modRevision)
      return null
    }
    const before = this.at(change.key)
    return this.note(change.key, null, revision) ? before : null
  }

  /** The key was this, or gone, as of `revision`. False if something later is known. */
  note(key: string, entry: Entry | null, revision: string): boolean {
    const known = this.#lines.get(key)
    if (known && known.revision > BigInt(revision)) return false
    this.#lines.set(key, { entry, revision: BigInt(revision) })
    return true
  }
}
