import type { Logger } from 'pino'
import type { Entry } from '../model/state.ts'
import { Backoff, pause } from './pause.ts'

/** etcd, as far as Endpoints are written. A rejected write may have happened or not. */
export interface EndpointStore {
  create(
    key: string,
    value: string,
    options: { lease: string },
  ): Promise<{ won: boolean; holder: Entry | null; revision: string }>
  replace(
    key: string,
    value: string,
    options: { modRevision: string; lease: string },
  ): Promise<string | null>
  remove(key: string, options: { modRevision?: string; lease: string }): Promise<string | null>
}

/** A difference of etcd's content, as an informer tells it. */
export type EndpointChange = { type: 'put'; entry: Entry } | { type: 'delete'; key: string }

export interface PublicationOptions {
  log: Logger
  /** milliseconds after which a key that somebody else holds counts as theirs */
  patience: number
  /** Somebody else has held a key of ours for that long: our instance is the one too many. */
  onConflict(key: string, holder: Entry): void
  /** etcd said that our lease is gone. */
  onLeaseGone(): void
  /** for the metrics */
  onWrite(change: 'registered' | 'removed' | 'conflict'): void
}

/** What we last knew to be in etcd under a key, written by us. */
interface Written {
  value: string
  lease: string
  /** null while the outcome of a write is unknown */
  modRevision: string | null
}

interface Slot {
  want: string | null
  have: Written | null
  busy: boolean
  /** ends a pause before the next try */
  hurry: AbortController
  /** revision of the latest news of the key: what we hear of a write of ours later is older than that */
  news: bigint
  /** performance.now() since when somebody else holds the key */
  disputed: number | null
  /** told the revision of the removal, null if the key is wanted again first */
  leaving: ((revision: string | null) => void)[]
}

/**
 * Keeps the Endpoint keys of this process in etcd as wanted: one worker per key writes until what is there is what is
 * wanted, for ever, over any loss of etcd, lease or single keys. A key is written only if it is absent, or under a lease
 * that is or was ours.
 */
export class Publication {
  readonly #store: EndpointStore
  readonly #options: PublicationOptions
  readonly #slots = new Map<string, Slot>()
  /** leases of ours: the present one and earlier ones */
  readonly #own = new Set<string>()
  /** leases of the process before us on this host */
  readonly #inherited = new Set<string>()
  readonly #stopping = new AbortController()
  #lease: string | null = null

  constructor(store: EndpointStore, options: PublicationOptions) {
    this.#store = store
    this.#options = options
  }

  /** Everything wanted moves under `lease`. */
  useLease(lease: string): void {
    this.#lease = lease
    this.#own.add(lease)
    for (const key of this.#slots.keys()) this.#kick(key)
  }

  /** Entries under `lease` are ours too: the process before us, on this host, wrote them. */
  inherit(lease: string): void {
    this.#inherited.add(lease)
  }

  /** Wants `key` to say `value`. */
  publish(key: string, value: string): void {
    const slot = this.#slot(key)
    if (slot.want === value) return
    slot.want = value
    for (const told of slot.leaving.splice(0)) told(null)
    this.#kick(key)
  }

  /**
   * Wants `key` gone. Resolves with the revision of its removal ('0' if it was not there) once that is done, however
   * long etcd is away, or with null if it is wanted again before.
   */
  withdraw(key: string): Promise<string | null> {
    const slot = this.#slots.get(key)
    if (!slot) return Promise.resolve('0')
    slot.want = null
    slot.disputed = null
    return new Promise((resolve) => {
      slot.leaving.push(resolve)
      this.#kick(key)
    })
  }

  /** What is wanted under `key`, null if nothing. */
  wanted(key: string): string | null {
    return this.#slots.get(key)?.want ?? null
  }

  /** Keys that are wanted. */
  keys(): string[] {
    return [...this.#slots].filter(([, slot]) => slot.want !== null).map(([key]) => key)
  }

  /**
   * Takes news of the Endpoint keys. An entry that the process before us left is taken over as it is, so that its route
   * stays; whoever knows the instances withdraws what no longer holds.
   */
  observe(change: EndpointChange, revision: string): void {
    const key = change.type === 'put' ? change.entry.key : change.key
    const slot = this.#slots.get(key)
    if (change.type === 'delete') {
      if (!slot || isOlder(revision, slot.have)) return
      slot.news = BigInt(revision)
      slot.have = null
      this.#kick(key)
      return
    }
    const { value, lease, modRevision } = change.entry
    if (slot) {
      if (isOlder(modRevision, slot.have)) return
      slot.news = BigInt(modRevision)
      slot.have = this.#isOurs(lease) ? { value, lease, modRevision } : null
      this.#kick(key)
    } else if (this.#isOurs(lease)) {
      // under a lease of our own it is an echo, or a write that was given up and happened all the same: to be removed
      const found = this.#slot(key)
      found.want = this.#inherited.has(lease) ? value : null
      found.have = { value, lease, modRevision }
      this.#kick(key)
    }
  }

  /** Stops all writing. What is in etcd stays there until its lease ends. */
  stop(): void {
    this.#stopping.abort()
    for (const slot of this.#slots.values()) slot.hurry.abort()
  }

  #slot(key: string): Slot {
    let slot = this.#slots.get(key)
    if (!slot) {
      const hurry = new AbortController()
      slot = { want: null, have: null, busy: false, hurry, news: 0n, disputed: null, leaving: [] }
      this.#slots.set(key, slot)
    }
    return slot
  }

  #isOurs(lease: string): boolean {
    return this.#own.has(lease) || this.#inherited.has(lease)
  }

  #kick(key: string): void {
    const slot = this.#slots.get(key)
    if (!slot || this.#stopping.signal.aborted) return
    slot.hurry.abort()
    if (!slot.busy) void this.#work(key, slot)
  }

  async #work(key: string, slot: Slot): Promise<void> {
    slot.busy = true
    const backoff = new Backoff()
    let failed = false
    while (!this.#stopping.signal.aborted && !this.#isDone(slot)) {
      slot.hurry = new AbortController()
      let settled = false
      try {
        settled = slot.want === null ? await this.#remove(key, slot) : await this.#write(key, slot)
        failed = false
      } catch (error) {
        if (!failed)
          this.#options.log.warn(
            { key, reason: (error as Error).message },
            'etcd write failed, trying on',
          )
        failed = true
        if ((error as { code?: unknown }).code === 'lease-gone') this.#options.onLeaseGone()
      }
      if (settled) backoff.reset()
      else await pause(backoff.next(), slot.hurry.signal)
    }
    slot.busy = false
    if (slot.want === null && slot.have === null && slot.leaving.length === 0)
      this.#slots.delete(key)
  }

  #isDone(slot: Slot): boolean {
    if (slot.want === null) return slot.have === null && slot.leaving.length === 0
    const { have } = slot
    return have?.value === slot.want && have.lease === this.#lease && have.modRevision !== null
  }

  /** One try to write. False: not now. */
  async #write(key: string, slot: Slot): Promise<boolean> {
    const lease = this.#lease
    const want = slot.want
    if (lease === null || want === null) return false
    const before = slot.have
    slot.have = { value: want, lease, modRevision: null }
    const known = before?.modRevision
    if (known) {
      const revision = await this.#store.replace(key, want, { modRevision: known, lease })
      if (revision === null) slot.have = null
      else this.#note(key, slot, { value: want, lease, modRevision: revision }, before.value)
      return true
    }
    const { won, holder } = await this.#store.create(key, want, { lease })
    if (won && holder) {
      this.#note(key, slot, { value: want, lease, modRevision: holder.modRevision }, null)
      return true
    }
    slot.have = null
    if (!holder) return true
    const { value, modRevision } = holder
    // our address is nobody else's: an entry that names it is about our instance, whoever wrote it
    if (this.#isOurs(holder.lease) || value === want) {
      slot.have = { value, lease: holder.lease, modRevision }
      return true
    }
    this.#dispute(key, slot, holder)
    return false
  }

  #note(
    key: string,
    slot: Slot,
    written: Written & { modRevision: string },
    before: string | null,
  ): void {
    // news that overtook the answer: it is gone or changed again already
    slot.have = BigInt(written.modRevision) < slot.news ? null : written
    slot.disputed = null
    if (before === written.value) return // only moved to another lease
    this.#options.onWrite('registered')
    this.#options.log.info({ key, endpoint: written.value }, 'registered')
  }

  #dispute(key: string, slot: Slot, holder: Entry): void {
    const now = performance.now()
    if (slot.disputed === null) {
      slot.disputed = now
      this.#options.onWrite('conflict')
      this.#options.log.warn({ key, holder: holder.value }, 'key is held by somebody else')
    } else if (now - slot.disputed > this.#options.patience) {
      slot.disputed = now
      this.#options.onConflict(key, holder)
    }
  }

  /** One try to remove what is, or may be, there of ours. */
  async #remove(key: string, slot: Slot): Promise<boolean> {
    const { have } = slot
    let revision: string | null = null
    if (have?.modRevision)
      revision = await this.#store.remove(key, { modRevision: have.modRevision, lease: have.lease })
    else if (have)
      for (const lease of [...this.#own, ...this.#inherited].reverse())
        revision ??= await this.#store.remove(key, { lease })
    if (slot.have === have) slot.have = null
    if (slot.want !== null || slot.have !== null) return true
    if (revision !== null) {
      this.#options.onWrite('removed')
      this.#options.log.info({ key }, 'unregistered')
    }
    for (const told of slot.leaving.splice(0)) told(revision ?? '0')
    return true
  }
}

/** Whether news of `revision` is older than what we wrote ourselves since. */
function isOlder(revision: string, have: Written | null): boolean {
  return have?.modRevision != null && BigInt(revision) < BigInt(have.modRevision)
}
