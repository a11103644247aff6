import { type Announcement, parseAnnouncement } from '../../model/announcement.ts'
import { type AddressPolicy, admitEndpoint } from '../../model/endpoint.ts'
import { POOL_SLOTS } from '../../model/pool.ts'
import type { Budget } from './budget.ts'

/** What became of a datagram. */
export type Heard =
  | 'taken'
  | 'flood'
  | 'malformed'
  | 'unsigned'
  | 'untimely'
  | 'replayed'
  | 'unknown-pool'
  | 'refused-address'
  | 'full'

export interface AnnouncementsOptions {
  pools: ReadonlySet<string>
  policy: AddressPolicy
  isSigned(text: string, signature: string): boolean
  budget: Pick<Budget, 'spend'>
  /** A server announced itself, or is gone: by its own word, or because it fell silent. */
  onChange(pool: string, address: string, isIn: boolean): void
  /** seconds since 1970 */
  now(): number
}

/** Seconds a sender's clock may be off. */
const SKEW = 30
/** The same for what was said before this process began, of which it cannot know whether it was heard already. */
const EARLIER = 5
/** Servers that are remembered, in a pool or gone: each for as long as what it said could be said again by others. */
const REMEMBERED = 10 * POOL_SLOTS
/** Announcements of one server in one second that are told apart; more are replays. */
const IN_A_SECOND = 16

interface Speaker {
  /** time of the latest announcement, and what was said in that second */
  time: number
  said: Set<string>
  isIn: boolean
  /** performance.now() */
  silentAt: number
}

/**
 * Who says of itself that it is up. An announcement counts once: it must be signed, of now, and not older than the latest
 * of the same server. So a recorded one does nothing, whoever sends it.
 */
export class Announcements {
  readonly #options: AnnouncementsOptions
  readonly #began: number
  /** by pool and address */
  readonly #speakers = new Map<string, Speaker>()

  constructor(options: AnnouncementsOptions) {
    this.#options = options
    this.#began = options.now()
  }

  /** @param steady performance.now() */
  hear(datagram: string, source: string, steady: number): Heard {
    if (!this.#options.budget.spend(source, steady)) return 'flood'
    const parsed = parseAnnouncement(datagram)
    if (!parsed) return 'malformed'
    const { announcement, text, signature } = parsed
    if (!this.#options.isSigned(text, signature)) return 'unsigned'
    const { pool, address, time } = announcement
    const now = this.#options.now()
    if (Math.abs(time - now) > SKEW || time < this.#began - EARLIER) return 'untimely'
    if (!this.#options.pools.has(pool)) return 'unknown-pool'
    if (!admitEndpoint(address, this.#options.policy).ok) return 'refused-address'
    return this.#take(announcement, signature, steady)
  }

  /** Puts out who has been silent for too long. To be called now and then. */
  expire(steady: number): void {
    const now = this.#options.now()
    for (const [key, speaker] of this.#speakers) {
      if (speaker.isIn && speaker.silentAt <= steady) this.#set(key, speaker, false)
      if (!speaker.isIn && speaker.time < now - SKEW) this.#speakers.delete(key)
    }
  }

  #take(
    { pool, address, state, ttl, time }: Announcement,
    signature: string,
    steady: number,
  ): Heard {
    const key = `${pool} ${address}`
    const known = this.#speakers.get(key)
    if (known && (time < known.time || (time === known.time && !isNew(known.said, signature))))
      return 'replayed'
    if (!known && this.#isFull(pool)) return 'full'
    const said = known && time === known.time ? known.said : new Set<string>()
    const silentAt = steady + ttl * 1000
    const speaker = { time, said: said.add(signature), silentAt, isIn: known?.isIn ?? false }
    this.#speakers.set(key, speaker)
    if (speaker.isIn !== (state === 'up')) this.#set(key, speaker, state === 'up')
    return 'taken'
  }

  #isFull(pool: string): boolean {
    const members = [...this.#speakers].filter(
      ([key, { isIn }]) => isIn && key.startsWith(`${pool} `),
    )
    return members.length >= POOL_SLOTS || this.#speakers.size >= REMEMBERED
  }

  #set(key: string, speaker: Speaker, isIn: boolean): void {
    speaker.isIn = isIn
    const [pool = '', address = ''] = key.split(' ')
    this.#options.onChange(pool, address, isIn)
  }
}

function isNew(said: ReadonlySet<string>, signature: string): boolean {
  return !said.has(signature) && said.size < IN_A_SECOND
}
