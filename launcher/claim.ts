import { randomUUID } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'
import { ProblemError } from '../model/problem.ts'
import type { Claim } from '../model/record.ts'
import type { Entry, Held } from '../model/state.ts'
import type { Catalog } from './catalog.ts'

/** What claims need of etcd. Each call has a deadline of its own and throws when etcd cannot be reached. */
export interface ClaimStore {
  create(
    key: string,
    value: string,
    options?: { lease?: string },
  ): Promise<{ won: boolean; holder: Entry | null; revision: string }>
  replace(
    key: string,
    value: string,
    options: { modRevision: string; lease?: string },
  ): Promise<string | null>
  remove(key: string, options?: { modRevision?: string }): Promise<string | null>
}

/** The launcher's session with etcd; what it wrote vanishes with it. */
export interface Lease {
  readonly lease: string | null
  valid(): boolean
}

/** The right to start one slot. */
export interface WakeClaim {
  /** somebody else had the slot first: what was seen before is old */
  contested: boolean
  /** false as soon as somebody else may have the right; asked right before each effect */
  valid(): boolean
  /** Gives the right back, in the background, until that worked. */
  release(): void
}

/** A claim as it was written. */
interface Won {
  modRevision: string
  lease: string
}

/** etcd is tried for this long before a wake is given up, milliseconds. */
const PATIENCE = 10_000
/** How long to wait for news of a claim before etcd is asked again, milliseconds. */
const RECHECK = 2_000

/** Gets and gives back claims for wakes. */
export class Claims {
  readonly #catalog: Catalog
  readonly #store: ClaimStore
  readonly #session: Lease
  readonly #id: string
  /** owner tokens in use by this process, and claims on their way out, by key */
  readonly #active = new Set<string>()
  readonly #leaving = new Map<string, Promise<void>>()

  constructor(parts: { catalog: Catalog; store: ClaimStore; session: Lease; id: string }) {
    this.#catalog = parts.catalog
    this.#store = parts.store
    this.#session = parts.session
    this.#id = parts.id
  }

  /**
   * Gets the right to start a slot. A wake of somebody else and a sleep past its point of no return are waited for
   * (`busy` at once where not `patient`); a sleep that is still draining is taken back. `running`: its Endpoint is
   * there, no right is needed. Throws ProblemError `unavailable` if etcd does not answer for 10 s.
   */
  async acquire(
    app: string,
    slot: number,
    options: { patient: boolean; signal: AbortSignal },
  ): Promise<WakeClaim | 'running' | 'busy'> {
    const owner = `${this.#id}/${randomUUID()}`
    const value = JSON.stringify({
      owner,
      action: 'wake',
      since: new Date().toISOString(),
    } satisfies Claim)
    const key = this.#catalog.keys.claim(app, slot)
    let contested = false
    let troubleSince: number | null = null
    this.#active.add(owner)
    try {
      for (;;) {
        options.signal.throwIfAborted()
        const leaving = this.#leaving.get(key)
        if (leaving) await Promise.race([leaving, pause(RECHECK)])
        const held = this.#catalog.claim(app, slot)
        if (this.#catalog.endpoint(app, slot) && held?.value.action !== 'sleep')
          return this.#forget(owner, 'running')
        try {
          const outcome = await this.#try(key, value, owner, held)
          if ('lease' in outcome) return this.#claim(key, owner, outcome, contested)
          if (!options.patient) return this.#forget(owner, 'busy')
          contested = true
          troubleSince = null
          await this.#news(app, slot, outcome.blockedAt, options.signal)
        } catch (error) {
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
    } catch (error) {
      this.#forget(owner, 'running')
      // The last try may have been written although its answer was lost.
      const held = this.#catalog.claim(app, slot)
      if (held?.value.owner === owner) this.#leave(key, held.entry)
      throw error
    }
  }

  #forget<T>(owner: string, outcome: T): T {
    this.#active.delete(owner)
    return outcome
  }

  /** One try. `blockedAt`: the revision at which somebody else was seen to hold the claim. */
  async #try(
    key: string,
    value: string,
    owner: string,
    held: Held<Claim> | null,
  ): Promise<Won | { blockedAt: string }> {
    const lease = this.#session.valid() ? this.#session.lease : null
    if (lease === null) throw new Error('this launcher has no session')
    if (!held) {
      const { won, holder, revision } = await this.#store.create(key, value, { lease })
      if (!won) return { blockedAt: revision }
      return { modRevision: holder?.modRevision ?? revision, lease }
    }
    const { modRevision } = held.entry
    if (held.value.owner === owner) return { modRevision, lease: held.entry.lease }
    if (!this.#mayTake(held.value)) return { blockedAt: modRevision }
    const revision = await this.#store.replace(key, value, { modRevision, lease })
    return revision === null ? { blockedAt: modRevision } : { modRevision: revision, lease }
  }

  /** A sleep that may be called off, or what an earlier run of this launcher left behind. */
  #mayTake(claim: Claim): boolean {
    if (claim.action === 'sleep') return claim.phase !== 'stopping' && !claim.firm
    return claim.owner.startsWith(`${this.#id}/`) && !this.#active.has(claim.owner)
  }

  /** Waits until the slot's Endpoint or claim changed since `blockedAt`, or RECHECK has passed. */
  async #news(app: string, slot: number, blockedAt: string, signal: AbortSignal): Promise<void> {
    const since = BigInt(blockedAt)
    const changed = (): true | null => {
      const held = this.#catalog.claim(app, slot)
      if (held?.value.action === 'wake' && this.#catalog.endpoint(app, slot)) return true
      if (held) return BigInt(held.entry.modRevision) > since ? true : null
      return this.#catalog.revision >= since ? true : null
    }
    await this.#catalog.whenWithin(app, changed, RECHECK, signal)
  }

  #claim(key: string, owner: string, won: Won, contested: boolean): WakeClaim {
    return {
      contested,
      valid: () => this.#session.valid() && this.#session.lease === won.lease,
      release: () => {
        this.#active.delete(owner)
        this.#leave(key, won)
      },
    }
  }

  #leave(key: string, won: Won): void {
    const leaving = this.#remove(key, won).finally(() => {
      if (this.#leaving.get(key) === leaving) this.#leaving.delete(key)
    })
    this.#leaving.set(key, leaving)
  }

  /** Tries until etcd took it, or the lease that kept the claim is gone, and the claim with it. */
  async #remove(key: string, { modRevision, lease }: Won): Promise<void> {
    for (let delay = 50; this.#session.lease === lease; delay = Math.min(delay * 2, 2_000)) {
      try {
        await this.#store.remove(key, { modRevision })
        return
      } catch {
        await pause(delay)
      }
    }
  }
}
