import { setTimeout as pause } from 'node:timers/promises'
import type { App } from '../../model/app.ts'
import type { Claim } from '../../model/record.ts'
import { etcdAway } from '../wake/failure.ts'
import { lost, Taken } from '../wake/fault.ts'
import { refusals } from './admission.ts'
import type { Booking, Joined, Place, ReservationsOptions, Unwritten } from './reservation.ts'
import { needOf, type Seat } from './room.ts'
import { RoomKey } from './room-key.ts'

/** etcd is tried for this long, milliseconds. */
const PATIENCE = 10_000
/** How long news of an Endpoint may take to get here, milliseconds. */
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
  readonly #key: RoomKey
  /** in the order they came */
  readonly #waiting: Case[] = []
  #isBusy = false

  constructor(host: string, options: ReservationsOptions) {
    this.#host = host
    this.#options = options
    this.#key = new RoomKey(host, options.catalog)
  }

  /** Null once the room is promised, or why there is none. Throws ProblemError if the claim is lost or etcd is away. */
  book(booking: Booking): Promise<string | null> {
    const value = this.#valueOf(booking.app, booking.claim.content)
    return new Promise((settle, fail) => {
      this.#waiting.push({ ...booking, value, settle, fail, unsure: false })
      if (!this.#isBusy) void this.#work()
    })
  }

  /** See {@link Reservations.join}. Whoever books meanwhile waits for it: it is the one transaction under way. */
  join(place: Place, claim: Unwritten): Promise<Joined> | null {
    const { room } = this.#options
    const { app, slot, host } = place
    if (this.#isBusy) return null
    if (refusals(place, [], room.certain(host), room.limit(host)).alone !== null) return null
    this.#isBusy = true
    const seat = room.take(app, slot, host)
    return this.#join(place, claim, seat).finally(() => {
      if (!seat.certain) room.leave(seat)
      void this.#work()
    })
  }

  async #join({ app, slot }: Place, claim: Unwritten, seat: Seat): Promise<Joined> {
    const { catalog, store } = this.#options
    const { key, content, lease } = claim
    const value = this.#valueOf(app, content)
    const { revision, entries } = await store.putAll(
      [{ key, value, lease, modRevision: '0' }, this.#key.put(content.owner)],
      [catalog.keys.endpoint(app.name, slot)],
    )
    const [holder, , running] = entries
    // By a try before this one whose answer was lost. What runs meanwhile must not be started once more.
    const isWritten = !running && holder?.value === value && holder.lease === lease
    const modRevision = revision ?? (isWritten ? holder.modRevision : null)
    if (modRevision === null) return { modRevision, holder: holder ?? null }
    this.#key.promised(seat, modRevision)
    return { modRevision, seat }
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
    const { room } = this.#options
    const occupancy = room.certain(first.host)
    for (const one of cases) {
      const isOurs = one.claim.valid() && one.claim.written.modRevision !== null
      if (one.signal.aborted) this.#drop(one, one.signal.reason)
      else if (!isOurs) this.#drop(one, lost(one.app.name))
      else if (performance.now() > until) this.#drop(one, etcdAway(one.app.name))
      else {
        const { alone, beside } = refusals(one, admitted, occupancy, room.limit(one.host))
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

  /** One transaction for all of them. Returns those that are to be tried again. Throws if etcd gave no answer. */
  async #try(cases: readonly Case[]): Promise<Case[]> {
    const { catalog, store } = this.#options
    const { keys } = catalog
    const claims = cases.map(({ claim, value }) => {
      const { key, lease, modRevision } = claim.written
      return { key, value, lease, modRevision: modRevision ?? '0' }
    })
    const { revision, entries } = await store.putAll(
      [...claims, this.#key.put(cases[0]?.claim.content.owner ?? '')],
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
      const isWritten = holder?.value === one.value && holder.lease === written.lease
      if (isWritten) written.modRevision = holder.modRevision
      if (holder?.modRevision !== written.modRevision) one.fail(lost(one.app.name))
      else if (running) void this.#tellOfRunning(one)
      else if (isWritten) this.#done(one, holder.modRevision)
      else return true
      return false
    })
    await this.#key.news(entries[cases.length]?.modRevision ?? '0')
    return left
  }

  #done({ claim, seat, settle }: Case, revision: string): void {
    claim.written.modRevision = revision
    this.#key.promised(seat, revision)
    settle(null)
  }

  /** What a claim says once its slot is to go here. */
  #valueOf(app: App, content: Claim): string {
    const { memory, cpus } = needOf(app)
    return JSON.stringify({ ...content, host: this.#host, memory, cpus } satisfies Claim)
  }

  async #tellOfRunning({ app, slot, signal, fail }: Case): Promise<void> {
    const { catalog } = this.#options
    const known = (): true | null => (catalog.endpoint(app.name, slot) ? true : null)
    await catalog.whenWithin(app.name, known, NEWS, signal).catch(() => {})
    fail(new Taken('is not needed: an instance runs already'))
  }
}
