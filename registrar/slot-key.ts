import { Departure } from './departure.ts'
import { Dispute } from './dispute.ts'
import type { EndpointStore, Leases, PublicationOptions, Written } from './endpoint-store.ts'
import { Backoff, pause } from './pause.ts'

/**
 * One Endpoint key: writes until what is in etcd is what is wanted, for ever, one call at a time. The key is written
 * only where it is absent or under a lease that is or was ours.
 */
export class SlotKey {
  readonly key: string
  /** what the key should say, null if it should not be */
  want: string | null = null
  readonly #store: EndpointStore
  readonly #leases: Leases
  readonly #options: PublicationOptions
  readonly #onSpent: () => void
  #have: Written | null = null
  /** revision of the latest news of the key: an answer to a write of ours that comes later may be older than that */
  #news = 0n
  /** performance.now() when this value was first wanted; null once it was written: coming back is no cold start */
  #wanted: number | null = null
  readonly #dispute: Dispute
  readonly #departure = new Departure()
  /** somebody removed it */
  #isDoubted = false
  #isBusy = false
  /** ends the pause before the next try */
  #hurry = new AbortController()
  #isStopped = false

  /** @param onSpent called when nothing is wanted and nothing of ours is there any more */
  constructor(
    key: string,
    store: EndpointStore,
    leases: Leases,
    options: PublicationOptions,
    onSpent: () => void,
  ) {
    this.key = key
    this.#onSpent = onSpent
    this.#store = store
    this.#leases = leases
    this.#options = options
    this.#dispute = new Dispute(key, options)
  }

  publish(value: string): void {
    if (this.want === value) return
    this.want = value
    this.#wanted = performance.now()
    this.#isDoubted = false
    this.#departure.cancel()
    this.kick()
  }

  /** See {@link Publication.withdraw}. */
  withdraw(): Promise<string | null> {
    this.want = null
    this.#dispute.end()
    const gone = this.#departure.wait()
    this.kick()
    return gone
  }

  /**
   * The key was seen to be this, or gone, as of `revision`.
   * @param isRemoval it was seen to go, not only to be missing from all there is
   */
  observe(seen: Written | null, revision: string, isRemoval = false): void {
    const have = this.#have?.modRevision
    if (have && BigInt(revision) < BigInt(have)) return // older than what we wrote since
    this.#news = BigInt(revision)
    // the answer to our own removal may be lost, or come later than this
    if (this.want === null && !seen && this.#have) this.#departure.note(revision)
    if (isRemoval && this.#have) this.#isDoubted = true
    this.#have = seen && this.#leases.own.has(seen.lease) ? seen : null
    this.kick()
  }

  /** etcd went back in time: what we wrote may be there or not, and revisions begin anew. Our lease may be as it was. */
  forget(): void {
    this.#news = 0n
    this.#departure.forget()
    if (this.#have) this.#have = { ...this.#have, modRevision: null }
    this.kick()
  }

  /** Looks at once whether there is something to write. */
  kick(): void {
    this.#hurry.abort()
    if (!this.#isBusy) void this.#work()
  }

  stop(): void {
    this.#isStopped = true
    this.#hurry.abort()
  }

  async #work(): Promise<void> {
    this.#isBusy = true
    const backoff = new Backoff()
    let hasFailed = false
    while (!this.#isStopped && !this.#isDone()) {
      this.#hurry = new AbortController()
      let goesOn = false
      try {
        if (this.want === null) goesOn = await this.#remove()
        else if (this.#isDoubted) goesOn = await this.#reconsider()
        else goesOn = await this.#write(this.want)
        hasFailed = false
      } catch (error) {
        const { message: reason, code } = error as Error & { code?: unknown }
        if (!hasFailed) this.#options.log.warn({ key: this.key, reason }, 'etcd write failed')
        if (code === 'lease-gone') this.#options.onLeaseGone()
        hasFailed = true
      }
      if (goesOn) backoff.reset()
      else await pause(backoff.next(), this.#hurry.signal)
    }
    this.#isBusy = false
    if (this.want === null && this.#isDone()) this.#onSpent()
  }

  #isDone(): boolean {
    const have = this.#have
    if (this.want === null) return have === null && !this.#departure.isAwaited
    const { present } = this.#leases
    return have?.value === this.want && have.lease === present && have.modRevision !== null
  }

  async #reconsider(): Promise<true> {
    this.#isDoubted = false
    await this.#options.reconsider(this.key)
    return true
  }

  /** One try to write. False: not now. */
  async #write(want: string): Promise<boolean> {
    const { key } = this
    const lease = this.#leases.present
    if (lease === null) return false
    const before = this.#have
    this.#have = { value: want, lease, modRevision: null }
    if (before?.modRevision) {
      const { modRevision } = before
      const revision = await this.#store.replace(key, want, { modRevision, lease })
      if (revision === null) this.#isDoubted = true
      this.#note(revision && { value: want, lease, modRevision: revision }, before.value)
      return true
    }
    const { won, holder } = await this.#store.create(key, want, { lease })
    if (!holder) {
      this.#have = null
      return true
    }
    const found = { value: holder.value, lease: holder.lease, modRevision: holder.modRevision }
    // our address is nobody else's: an entry that names it is about our instance, whoever wrote it
    const isOurs = won || this.#leases.own.has(holder.lease) || holder.value === want
    this.#note(isOurs ? found : null, won ? null : holder.value)
    if (!isOurs) this.#dispute.goesOn(holder)
    return isOurs
  }

  /** Takes the outcome of a write. @param before what the key said before it, null if it was not there */
  #note(written: (Written & { modRevision: string }) | '' | null, before: string | null): void {
    // news that overtook the answer: it is gone or changed again already
    this.#have = written && BigInt(written.modRevision) >= this.#news ? written : null
    if (!written || written.lease !== this.#leases.present) return
    this.#dispute.end()
    if (before === written.value) return // only moved to another lease
    const seconds = this.#wanted === null ? undefined : (performance.now() - this.#wanted) / 1000
    this.#wanted = null
    this.#options.onWrite('registered', seconds)
    const rounded = seconds !== undefined && { seconds: Number(seconds.toFixed(4)) }
    this.#options.log.info({ key: this.key, endpoint: written.value, ...rounded }, 'registered')
  }

  /** One try to remove what is, or may be, there of ours. */
  async #remove(): Promise<boolean> {
    const { key } = this
    const have = this.#have
    let revision: string | null = null
    if (have?.modRevision)
      revision = await this.#store.remove(key, { modRevision: have.modRevision, lease: have.lease })
    else if (have)
      for (const lease of [...this.#leases.own].reverse())
        revision ??= await this.#store.remove(key, { lease })
    if (this.#have === have) this.#have = null
    if (revision !== null) this.#departure.note(revision)
    // news that overtook the answer may be an echo of what is gone by now: then there is nothing left to remove
    if (this.want !== null || this.#have !== null) return true
    if (this.#departure.isSeen && (revision !== null || this.#departure.isAwaited)) {
      this.#options.onWrite('removed')
      this.#options.log.info({ key }, 'unregistered')
    }
    this.#departure.complete()
    return true
  }
}
