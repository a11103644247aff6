import type { App } from '../../model/app.ts'
import type { Claim, Host } from '../../model/record.ts'
import type { Entry } from '../../model/state.ts'
import type { Catalog } from '../catalog.ts'
import type { Written } from '../wake/withdrawal.ts'
import { Desk } from './desk.ts'
import type { Room, Seat } from './room.ts'

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

/** A claim that is still to be written. */
export interface Unwritten {
  key: string
  content: Claim
  lease: string
}

/** A claim as it was written with its room, or who has it; null where nobody does and only the room was not to be had. */
export type Joined =
  | { modRevision: string; seat: Seat }
  | { modRevision: null; holder: Entry | null }

/** A slot and where it goes. */
export interface Place {
  app: App
  slot: number
  host: Host
}

/** A slot that was placed. */
export interface Booking extends Place {
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

/** News of a claim take milliseconds to get here. Without them etcd is asked whether it stands, after so many. */
const NEWS = 1_000

/**
 * Promises room on a host before anything is started there, so that any number of launchers never promise more than it
 * has: the claim says where its slot goes, in one transaction with a key of the host that every promise changes. Who has
 * not seen the last one fails, waits for it and looks again (docs/decisions/0021).
 */
export class Reservations {
  readonly #options: ReservationsOptions
  /** by host: of two transactions at once the second could only fail */
  readonly #desks = new Map<string, Desk>()
  /** the last promise that was begun under a claim: one that was given up may still be under way and change it */
  readonly #last = new WeakMap<Claimed, Promise<unknown>>()
  /** rooms that came with their claims and were not used yet: when that was, and how far etcd was heard of by then */
  readonly #joined = new WeakMap<Seat, { at: number; revision: bigint }>()

  constructor(options: ReservationsOptions) {
    this.#options = options
  }

  /**
   * Promises a host's room to a slot. Returns null once that is in etcd, or why there is no room any more. Throws
   * ProblemError if the claim is lost or etcd does not answer.
   */
  async make(booking: Booking): Promise<string | null> {
    const { claim, host } = booking
    if (this.#stands(booking)) return null
    const before = this.#last.get(claim)
    const desk = this.#deskOf(host)
    const made = Promise.allSettled([before]).then(() => desk.book(booking))
    this.#last.set(claim, made)
    return await made
  }

  /**
   * Writes a claim and the promise of its room in one transaction: both or none. Null, and nothing is written, while others
   * are served at that host or where it has no room: the claim has to come first then. Throws if etcd gives no answer.
   */
  join(place: Place, claim: Unwritten): Promise<Joined> | null {
    const { revision } = this.#options.catalog
    const joining = this.#deskOf(place.host).join(place, claim)
    return (
      joining &&
      joining.then((joined) => {
        if (joined.modRevision !== null)
          this.#joined.set(joined.seat, { at: performance.now(), revision })
        return joined
      })
    )
  }

  /**
   * Whether the room came with the claim, and that is as it was written, as far as was heard: somebody may have removed
   * it since. For the first try alone: a later one comes after who knows what.
   */
  #stands({ app, slot, seat, claim: { written, content } }: Booking): boolean {
    const { catalog } = this.#options
    const joined = this.#joined.get(seat)
    this.#joined.delete(seat)
    if (!joined || written.modRevision === null) return false
    if (catalog.claim(app.name, slot)?.value.owner === content.owner) return true
    // Not heard of yet. An etcd that was restored counts from less again, and may not have it.
    const isRecent = performance.now() - joined.at < NEWS && catalog.revision >= joined.revision
    return isRecent && catalog.revision < BigInt(written.modRevision)
  }

  #deskOf({ name }: Host): Desk {
    const desk = this.#desks.get(name) ?? new Desk(name, this.#options)
    this.#desks.set(name, desk)
    return desk
  }
}
