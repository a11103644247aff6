import { setTimeout as pause } from 'node:timers/promises'
import type { App } from '../../model/app.ts'
import type { Claim, Host } from '../../model/record.ts'
import type { Entry } from '../../model/state.ts'
import { type Catalog, HOSTS } from '../catalog.ts'
import { etcdAway } from '../wake/failure.ts'
import { Taken } from '../wake/fault.ts'
import { Queue } from '../wake/queue.ts'
import type { Written } from '../wake/withdrawal.ts'
import { full } from './place.ts'
import { needOf, type Room, type Seat } from './room.ts'

/** etcd, as far as room is promised. May have happened or not where it throws. */
export interface RoomStore {
  /** Writes all or none: each key must still be as of `modRevision`, `0` for absent, those in `absent` not there. */
  putAll(
    puts: { key: string; value: string; modRevision: string; lease?: string }[],
    absent: string[],
  ): Promise<{ revision: string | null; entries: (Entry | null)[] }>
}

/** A claim that can say where its slot is started. */
export interface Claimed {
  written: Written
  content: Claim
  valid(): boolean
}

/** A slot that was placed. */
export interface Booking {
  app: App
  slot: number
  host: Host
  /** how it is counted here */
  seat: Seat
  claim: Claimed
  signal: AbortSignal
}

export interface ReservationsOptions {
  catalog: Catalog
  store: RoomStore
  room: Room
}

/** etcd is tried for this long, milliseconds. */
const PATIENCE = 10_000
/** How long news of what others promised may take to get here, milliseconds. */
const NEWS = 1_000

/**
 * Promises room on a host before anything is started there, so that any number of launchers never promise more than it
 * has: the claim says where its slot goes, in one transaction with a key of the host that every promise changes. Who has
 * not seen the last one fails, waits for it and looks again (docs/decisions/0021).
 */
export class Reservations {
  readonly #options: ReservationsOptions
  /** one at a time for each host: of two at once the second could only fail */
  readonly #queues = new Map<string, Queue>()
  /** the last promise that was begun under a claim: one that was given up may still be under way and change it */
  readonly #last = new WeakMap<Claimed, Promise<unknown>>()
  /** revision of our last promise by host: known before we hear of it */
  readonly #promised = new Map<string, bigint>()

  constructor(options: ReservationsOptions) {
    this.#options = options
  }

  /**
   * Promises a host's room to a slot. Returns null once that is in etcd, or why there is no room any more. Throws
   * ProblemError if the claim is lost or etcd does not answer.
   */
  async make(booking: Booking): Promise<string | null> {
    const { claim, host } = booking
    const before = this.#last.get(claim)
    const queue = this.#queues.get(host.name) ?? new Queue(1)
    this.#queues.set(host.name, queue)
    const made = Promise.allSettled([before]).then(() => queue.run(() => this.#make(booking)))
    this.#last.set(claim, made)
    return await made
  }

  async #make(booking: Booking): Promise<string | null> {
    const { app, claim, signal } = booking
    const began = performance.now()
    let unsure = false
    try {
      for (;;) {
        signal.throwIfAborted()
        const late = performance.now() - began > PATIENCE
        if (late || !claim.valid()) throw etcdAway(app.name)
        const refusal = this.#refusal(booking)
        if (refusal !== null) return refusal
        try {
          const done = await this.#try(booking)
          unsure = false
          if (done) return null
        } catch (error) {
          if (!(error instanceof Unanswered)) throw error
          unsure = true
          await pause(100 + Math.random() * 200)
        }
      }
    } finally {
      // It may be written or not: whoever gives the claim back has to look.
      if (unsure) claim.written.modRevision = null
    }
  }

  /** Why the slot does not fit beside all that is promised for certain: what only waits here for its turn comes later. */
  #refusal({ app, slot, host }: Booking): string | null {
    const { room } = this.#options
    const occupancy = room.occupancy([host], app.name, slot, 'certain').get(host.name)
    if (!occupancy) return null
    if (app.antiAffinity === 'require' && occupancy.siblings > 0)
      return 'has another instance of it'
    return full(needOf(app), occupancy.promised, room.limit(host))
  }

  async #try({ app, slot, host, seat, claim, signal }: Booking): Promise<boolean> {
    const { catalog, store } = this.#options
    const { written, content } = claim
    const { memory, cpus } = needOf(app)
    const value = JSON.stringify({ ...content, host: host.name, memory, cpus } satisfies Claim)
    const { key, lease, modRevision } = written
    if (modRevision === null) throw etcdAway(app.name)
    const room = catalog.keys.named('room', host.name)
    const seen = this.#seen(host.name)
    const outcome = await store
      .putAll(
        [
          { key, value, modRevision, lease },
          { key: room, value: content.owner, modRevision: String(seen) },
        ],
        // What runs already must not be started once more, though we have not heard of it yet.
        [catalog.keys.endpoint(app.name, slot)],
      )
      .catch((error: unknown) => {
        throw new Unanswered(String(error))
      })
    const [holder = null, last = null, running = null] = outcome.entries
    // The answer to a try before this one may have been lost: nobody else writes what only we can know.
    const isOurs = holder?.value === value && holder.lease === lease
    const revision = outcome.revision ?? (isOurs ? holder.modRevision : null)
    if (revision !== null) {
      written.modRevision = revision
      this.#promised.set(host.name, BigInt(revision))
      seat.certain = true
      return true
    }
    if (holder?.modRevision !== modRevision) throw etcdAway(app.name)
    if (running) {
      const known = (): true | null => (catalog.endpoint(app.name, slot) ? true : null)
      await catalog.whenWithin(app.name, known, NEWS, signal)
      throw new Taken('is not needed: an instance runs already')
    }
    this.#promised.delete(host.name)
    const actual = BigInt(last?.modRevision ?? '0')
    const heard = (): true | null => (this.#seen(host.name) >= actual ? true : null)
    // Where we know more than etcd has, it was restored, and the list that says so is under way.
    if (heard()) await pause(10)
    await catalog.whenWithin(HOSTS, heard, NEWS, signal)
    return false
  }

  /** The last promise on a host that is counted here. */
  #seen(host: string): bigint {
    const heard = BigInt(this.#options.catalog.state.rooms.get(host)?.modRevision ?? '0')
    const own = this.#promised.get(host) ?? 0n
    return own > heard ? own : heard
  }
}

/** etcd gave no answer: what was asked may have happened. */
class Unanswered extends Error {}
