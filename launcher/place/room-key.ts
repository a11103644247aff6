import { setTimeout as pause } from 'node:timers/promises'
import { type Catalog, HOSTS } from '../catalog.ts'
import type { Seat } from './room.ts'

/** How long news of what others promised may take to get here, milliseconds. */
const NEWS = 1_000

/** The key of a host that every promise of its room changes, as this launcher knows it. */
export class RoomKey {
  readonly #host: string
  readonly #catalog: Catalog
  readonly #never = new AbortController().signal
  /** revision of our last promise: known before we hear of it */
  #promised = 0n

  constructor(host: string, catalog: Catalog) {
    this.#host = host
    this.#catalog = catalog
  }

  /** Its part in a promise of ours: who has not seen the last one fails. */
  put(owner: string): { key: string; value: string; modRevision: string } {
    const key = this.#catalog.keys.named('room', this.#host)
    return { key, value: owner, modRevision: String(this.#seen()) }
  }

  /** A promise of ours is in etcd. */
  promised(seat: Seat, revision: string): void {
    if (BigInt(revision) > this.#promised) this.#promised = BigInt(revision)
    seat.certain = true
  }

  /** Waits until the promise of somebody else is counted here that the key is as of. */
  async news(modRevision: string): Promise<void> {
    const actual = BigInt(modRevision)
    if (this.#promised !== actual) this.#promised = 0n
    const heard = (): true | null => (this.#seen() >= actual ? true : null)
    // Where we know more than etcd has, it was restored, and the list that says so is under way.
    if (heard()) await pause(10)
    await this.#catalog.whenWithin(HOSTS, heard, NEWS, this.#never)
  }

  /** The last promise on the host that is counted here. */
  #seen(): bigint {
    const heard = BigInt(this.#catalog.state.rooms.get(this.#host)?.modRevision ?? '0')
    return this.#promised > heard ? this.#promised : heard
  }
}
