import { setTimeout as pause } from 'node:timers/promises'
import { ProblemError } from '../../model/problem.ts'
import type { Claim } from '../../model/record.ts'
import type { Held } from '../../model/state.ts'
import type { Catalog } from '../catalog.ts'
import type { Joined, Unwritten } from '../place/reservation.ts'
import type { Seat } from '../place/room.ts'
import { Owners } from './owner.ts'
import { Takeover } from './takeover.ts'
import { type ClaimStore, ownerOf, type Written } from './withdrawal.ts'

/** The launcher's session with etcd; what it wrote vanishes with it. */
export interface Lease {
  readonly lease: string | null
  valid(): boolean
}

/** The right to start one slot. */
export interface WakeClaim {
  /** somebody else had the slot first: what was seen before is old */
  contested: boolean
  /** what is in etcd; whoever changes it there keeps it right */
  written: Written
  content: Claim
  /** how the room of its slot is counted here since it came with the claim or was first needed; at one host, the last */
  seat: Seat | null
  /** false as soon as somebody else may have the right; asked right before each effect */
  valid(): boolean
  /** Gives the right back, in the background, until that worked. */
  release(): void
}

/** A claim as it was written. */
type Won = Written & { modRevision: string; seat?: Seat }

/** How a right is asked for. */
export interface Asking {
  patient: boolean
  signal: AbortSignal
  /** Writes the claim with the room where its slot will go, if that can be tried right now. See `Reservations.join`. */
  join?(claim: Unwritten): Promise<Joined> | null
}

export interface ClaimsOptions {
  catalog: Catalog
  store: ClaimStore
  session: Lease
  id: string
  /** lease of the run of this launcher before this one, if it is known to be over: its claims are ours */
  earlier?(): string | null
}

/** etcd is tried for this long before a wake is given up, milliseconds. */
const PATIENCE = 10_000
/** How long to wait for news of a claim before etcd is asked again, milliseconds. */
const RECHECK = 2_000

/** Gets and gives back claims for wakes. */
export class Claims {
  readonly #options: ClaimsOptions
  readonly #owners: Owners
  readonly #takeover: Takeover

  constructor(options: ClaimsOptions) {
    this.#options = options
    this.#owners = new Owners(options)
    this.#takeover = new Takeover(() => options.earlier?.() ?? null)
  }

  /**
   * Gets the right to start a slot. A wake of somebody else and a sleep past its point of no return are waited for
   * (`busy` at once where not `patient`); a sleep that is still draining is taken back. `running`: its Endpoint is
   * there, no right is needed. Throws ProblemError `unavailable` if etcd does not answer for 10 s.
   */
  async acquire(
    app: string,
    slot: number,
    options: Asking,
  ): Promise<WakeClaim | 'running' | 'busy'> {
    const { catalog, session } = this.#options
    const owner = this.#owners.create()
    const content: Claim = { owner, action: 'wake', since: new Date().toISOString() }
    const key = catalog.keys.claim(app, slot)
    let claim: WakeClaim | null = null
    let contested = false
    /** the lease of a try whose answer was lost: it may be written, or come yet, whatever a later one is told */
    let lost: string | null = null
    let troubleSince: number | null = null
    try {
      for (;;) {
        options.signal.throwIfAborted()
        const leaving = this.#owners.leaving(key)
        if (leaving) await Promise.race([leaving, pause(RECHECK)])
        const held = catalog.claim(app, slot)
        if (catalog.endpoint(app, slot) && held?.value.action !== 'sleep') return 'running'
        const { lease } = session
        try {
          const outcome = await this.#try(key, content, held, options.join)
          if ('lease' in outcome) {
            claim = this.#claim(outcome, content, contested)
            return claim
          }
          if (!options.patient) return 'busy'
          contested = true
          troubleSince = null
          await this.#news(app, slot, outcome.blockedAt, options.signal)
        } catch (error) {
          lost = lease ?? lost
          options.signal.throwIfAborted()
          troubleSince ??= performance.now()
          if (performance.now() - troubleSince > PATIENCE)
            throw new ProblemError('unavailable', {
              detail: `etcd does not answer: ${(error as Error).message}`,
              app,
              retryAfter: 5,
            })
          await pause(100 + Math.random() * 200)
        }
      }
    } finally {
      if (claim === null) {
        if (lost === null) this.#owners.forget(owner)
        else this.#owners.leave({ key, owner, lease: lost, modRevision: null })
      }
    }
  }

  /** Whether nobody has a slot, once what this launcher has given back of it is gone. */
  async isFree(app: string, slot: number, signal: AbortSignal): Promise<boolean> {
    const { catalog } = this.#options
    const leaving = this.#owners.leaving(catalog.keys.claim(app, slot))
    if (leaving) await Promise.race([leaving, pause(RECHECK)])
    const isGone = (): true | null => {
      const held = catalog.claim(app, slot)
      return held && this.#owners.hasLeft(held.value.owner) ? null : true
    }
    await catalog.whenWithin(app, isGone, RECHECK, signal)
    return catalog.claim(app, slot) === null
  }

  /** One try. `blockedAt`: the revision at which somebody else was seen to hold the claim. */
  async #try(
    key: string,
    content: Claim,
    held: Held<Claim> | null,
    join: Asking['join'],
  ): Promise<Won | { blockedAt: string }> {
    const { session, store } = this.#options
    const lease = session.valid() ? session.lease : null
    if (lease === null) throw new Error('this launcher has no session')
    const { owner } = content
    const value = JSON.stringify(content)
    if (!held) {
      const joined = await join?.({ key, content, lease })
      if (joined && joined.modRevision !== null) return { key, owner, lease, ...joined }
      // Where nobody has the claim, only the room was not to be had.
      const holder = joined?.holder ?? (await store.create(key, value, { lease })).holder
      const { modRevision = '0', lease: under = lease } = holder ?? {}
      // By this try, or by one before it whose answer was lost.
      const isOurs = holder !== null && ownerOf(holder) === owner
      return isOurs ? { key, owner, lease: under, modRevision } : { blockedAt: modRevision }
    }
    const { modRevision } = held.entry
    if (held.value.owner === owner) return { key, owner, lease: held.entry.lease, modRevision }
    if (!this.#takeover.allows(held)) return { blockedAt: modRevision }
    const revision = await store.replace(key, value, { modRevision, lease })
    if (revision === null) return { blockedAt: modRevision }
    return { key, owner, lease, modRevision: revision }
  }

  /** Waits until the slot's Endpoint or claim changed since `blockedAt`, or RECHECK has passed. */
  async #news(app: string, slot: number, blockedAt: string, signal: AbortSignal): Promise<void> {
    const since = BigInt(blockedAt)
    const changed = (): true | null => {
      const { catalog } = this.#options
      const held = catalog.claim(app, slot)
      if (held?.value.action === 'wake' && this.#options.catalog.endpoint(app, slot)) return true
      if (held) return BigInt(held.entry.modRevision) > since ? true : null
      // What cannot be read is there all the same.
      if (catalog.state.rejected.has(catalog.keys.claim(app, slot))) return null
      return this.#options.catalog.revision >= since ? true : null
    }
    await this.#options.catalog.whenWithin(app, changed, RECHECK, signal)
  }

  #claim(won: Won, content: Claim, contested: boolean): WakeClaim {
    const { session } = this.#options
    const { seat = null, ...written } = won
    const isLost = (): boolean => this.#owners.hasLost(written.owner, written.key)
    return {
      contested,
      written,
      content,
      seat,
      valid: () => session.valid() && session.lease === won.lease && !isLost(),
      release: () => this.#owners.leave(written),
    }
  }
}
