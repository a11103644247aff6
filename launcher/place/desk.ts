import { setTimeout as pause } from 'node:timers/promises'
import type { Claim } from '../../model/record.ts'
import { HOSTS } from '../catalog.ts'
import { etcdAway } from '../wake/failure.ts'
import { lost, Taken } from '../wake/fault.ts'
import { full, isSpread } from './place.ts'
import type { Booking, ReservationsOptions } from './reservation.ts'
import { needOf, plus, type Room } from './room.ts'

/** etcd is tried for this long, milliseconds. */
const PATIENCE = 10_000
/** How long news of what others promised may take to get here, milliseconds. */
const NEWS = 1_000
/** Promises in one transaction at most: etcd takes 128 operations, and each looks at two keys. */
const MOST = 32

/** A booking and who waits for it. */
interface Case extends Booking {
  /** what its claim is to say */
  value: string
  settle(refusal: string | null): void
  fail(error: unknown): void
  /** its last try got no answer: it may be written or not */
  unsure: boolean
}

/**
 * Where the room of one host is promised by this launcher: one transaction at a time, each for all who wait by then.
 * So a crowd neither stands in line for etcd nor keeps other launchers from having their turn.
 */
export class Desk {
  readonly #host: string
  readonly #options: ReservationsOptions
  /** in the order they came */
  readonly #waiting: Case[] = []
  readonly #never = new AbortController().signal
  #isBusy = false
  /** revision of our last promise: known before we hear of it */
  #promised = 0n

  constructor(host: string, options: ReservationsOptions) {
    this.#host = host
    this.#options = options
  }

  /** Null once the room is promised, or why there is none. Throws ProblemError if the claim is lost or etcd is away. */
  book(booking: Booking): Promise<string | null> {
    const { memory, cpus } = needOf(booking.app)
    const claim = { ...booking.claim.content, host: this.#host, memory, cpus } satisfies Claim
    return new Promise((settle, fail) => {
      this.#waiting.push({ ...booking, value: JSON.stringify(claim), settle, fail, unsure: false })
      if (!this.#isBusy) void this.#work()
    })
  }

  async #work(): Promise<void> {
    this.#isBusy = true
    // Whoever comes in the same turn is part of the first transaction.
    await Promise.resolve()
    while (this.#waiting.length > 0) await this.#serve(this.#waiting.splice(0, MOST))
    this.#isBusy = false
  }

  /** Sees to it that each of them is told. */
  async #serve(cases: Case[]): Promise<void> {
    const until = performance.now() + PATIENCE
    for (let open = this.#admit(cases, until); open.length > 0; open = this.#admit(open, until))
      try {
        open = await this.#try(open)
      } catch {
        for (const one of open) one.unsure = true
        await pause(100 + Math.random() * 200)
      }
  }

  /** Those that may be tried, together. What only has no room beside the others comes after them. */
  #admit(cases: readonly Case[], until: number): Case[] {
    const admitted: Case[] = []
    const later: Case[] = []
    const [first] = cases
    if (!first) return admitted
    const occupancy = this.#options.room.certain(first.host)
    for (const one of cases) {
      const isOurs = one.claim.valid() && one.claim.written.modRevision !== null
      if (one.signal.aborted) this.#drop(one, one.signal.reason)
      else if (!isOurs) this.#drop(one, lost(one.app.name))
      else if (performance.now() > until) this.#drop(one, etcdAway(one.app.name))
      else {
        const { alone, beside } = this.#refusals(one, admitted, occupancy)
        if (alone !== null) this.#drop(one, null, alone)
        else if (beside !== null) later.push(one)
        else admitted.push(one)
      }
    }
    this.#waiting.unshift(...later)
    return admitted
  }

  #drop({ claim, unsure, settle, fail }: Case, error: unknown, refusal: string | null = null) {
    // It may be written or not: whoever gives the claim back has to look.
    if (unsure) claim.written.modRevision = null
    if (refusal === null) fail(error)
    else settle(refusal)
  }

  /** Why a slot does not fit beside what is promised for certain, and why not beside `others` too. */
  #refusals(
    { app, slot, host }: Case,
    others: readonly Case[],
    occupancy: ReturnType<Room['certain']>,
  ) {
    const { promised, siblings } = occupancy(app.name, slot)
    const refusal = (beside: readonly Case[]): string | null => {
      const isBeside = siblings > 0 || beside.some((other) => other.app.name === app.name)
      if (isSpread(app) && isBeside) return 'has another instance of it'
      const all = beside.map((other) => needOf(other.app)).reduce(plus, promised)
      return full(needOf(app), all, this.#options.room.limit(host))
    }
    return { alone: refusal([]), beside: refusal(others) }
  }

  /** One transaction for all of them. Returns those that are to be tried again. Throws if etcd gave no answer. */
  async #try(cases: readonly Case[]): Promise<Case[]> {
    const { catalog, store } = this.#options
    const { keys } = catalog
    const claims = cases.map(({ claim, value }) => {
      const { key, lease, modRevision } = claim.written
      return { key, value, lease, modRevision: modRevision ?? '0' }
    })
    const room = {
      key: keys.named('room', this.#host),
      value: cases[0]?.claim.content.owner ?? '',
      modRevision: String(this.#seen()),
    }
    const { revision, entries } = await store.putAll(
      [...claims, room],
      // What runs already must not be started once more, though we have not heard of it yet.
      cases.map(({ app, slot }) => keys.endpoint(app.name, slot)),
    )
    for (const one of cases) one.unsure = false
    if (revision !== null) {
      for (const one of cases) this.#done(one, revision)
      return []
    }
    const left = cases.filter((one, index) => {
      const { written } = one.claim
      const holder = entries[index]
      const running = entries[cases.length + 1 + index]
      // The answer to a try before this one may have been lost: nobody else writes what only we can know.
      if (holder?.value === one.value && holder.lease === written.lease)
        this.#done(one, holder.modRevision)
      else if (holder?.modRevision !== written.modRevision) one.fail(lost(one.app.name))
      else if (running) void this.#tellOfRunning(one)
      else return true
      return false
    })
    await this.#news(entries[cases.length]?.modRevision ?? '0')
    return left
  }

  #done({ claim, seat, settle }: Case, revision: string): void {
    claim.written.modRevision = revision
    if (BigInt(revision) > this.#promised) this.#promised = BigInt(revision)
    seat.certain = true
    settle(null)
  }

  async #tellOfRunning({ app, slot, signal, fail }: Case): Promise<void> {
    const { catalog } = this.#options
    const known = (): true | null => (catalog.endpoint(app.name, slot) ? true : null)
    await catalog.whenWithin(app.name, known, NEWS, signal).catch(() => {})
    fail(new Taken('is not needed: an instance runs already'))
  }

  /** Waits until the promise of somebody else is counted here that the host's key is as of. */
  async #news(modRevision: string): Promise<void> {
    const actual = BigInt(modRevision)
    if (this.#promised !== actual) this.#promised = 0n
    const heard = (): true | null => (this.#seen() >= actual ? true : null)
    // Where we know more than etcd has, it was restored, and the list that says so is under way.
    if (heard()) await pause(10)
    await this.#options.catalog.whenWithin(HOSTS, heard, NEWS, this.#never)
  }

  /** The last promise on the host that is counted here. */
  #seen(): bigint {
    const heard = BigInt(this.#options.catalog.state.rooms.get(this.#host)?.modRevision ?? '0')
    return this.#promised > heard ? this.#promised : heard
  }
}
