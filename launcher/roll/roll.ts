import { setTimeout as pause } from 'node:timers/promises'
import { canonical } from '../../model/name.ts'
import { ProblemError } from '../../model/problem.ts'
import type { Phase } from '../../model/progress.ts'
import type { Roll } from '../../model/record.ts'
import type { ClaimOptions } from '../sleep/slot.ts'
import { withdraw } from '../wake/withdrawal.ts'
import type { Found } from './slots.ts'

/** What is done right now to exchange the instances of an app one by one. */
export const STEPS = [
  'proving',
  'storing',
  'draining',
  'starting',
  'removing',
  'going-back',
] as const

/** A step of a roll, as it is told to who waits for it. */
export interface RollStep {
  app: string
  step: (typeof STEPS)[number]
  slot?: number
  /** of a start */
  phase?: Phase
  /** what is waited for, or why it goes back */
  detail?: string
}

/** The right to exchange the instances of one app. */
export interface Turn {
  /** Throws ProblemError if somebody else may have the right by now, or this launcher ends. */
  check(): void
}

/** How long news of etcd may take to get here before it is asked again, milliseconds. */
const AGAIN = 100

/** Slots of an app have two digits at most. */
const SLOTS = 100

/**
 * The slot for one more instance while others are exchanged: the first free one above all that the App has, before and
 * after. Null if all are taken. Pure.
 * @param registered slots that have an Endpoint, of a container or not
 */
export function spareSlot(
  replicas: number,
  found: readonly Found[],
  registered: Iterable<number>,
): number | null {
  const taken = new Set([...found.map(({ spec }) => spec.slot), ...registered])
  for (let slot = replicas; slot < SLOTS; slot++) if (!taken.has(slot)) return slot
  return null
}

/** One roll of an app at a time in the whole cluster: a key under the lease of the launcher that does it. */
export class Rolls {
  readonly #options: ClaimOptions
  readonly #signal: AbortSignal

  /** @param signal aborts when this launcher ends: what is begun stays as it is */
  constructor(options: ClaimOptions, signal: AbortSignal) {
    this.#options = options
    this.#signal = signal
  }

  /** Does `work` while nobody else exchanges instances of the app. Throws ProblemError `conflict` if somebody does. */
  async hold<T>(app: string, work: (turn: Turn) => Promise<T>): Promise<T> {
    const { catalog, store, session, now } = this.#options
    const { lease } = session
    if (lease === null) throw unavailable(app, 'this launcher has no session with etcd')
    const key = catalog.keys.named('roll', canonical(app))
    const owner = this.#options.owner()
    const value = JSON.stringify({ owner, since: now().toISOString() } satisfies Roll)
    const leave = (modRevision: string | null): Promise<void> =>
      withdraw({ key, owner, lease, modRevision }, store, session)
    let roll: Awaited<ReturnType<typeof store.create>>
    try {
      roll = await store.create(key, value, { lease })
    } catch (error) {
      void leave(null)
      throw error
    }
    if (!roll.won)
      throw new ProblemError('conflict', {
        app,
        detail: 'its instances are being exchanged already, by a replace or the drain of a host',
      })
    const check = (): void => {
      if (this.#signal.aborted) throw unavailable(app, 'this launcher ends')
      if (session.lease !== lease) throw unavailable(app, 'etcd was away')
    }
    try {
      return await work({ check })
    } finally {
      await leave(roll.revision)
    }
  }

  /** Like {@link hold}, but whoever exchanges them is waited for, at most `ms` milliseconds. */
  async turn<T>(app: string, ms: number, work: (turn: Turn) => Promise<T>): Promise<T> {
    const { catalog } = this.#options
    const until = performance.now() + ms
    const isOver = (): true | null => (catalog.state.rolls.has(canonical(app)) ? null : true)
    for (;;) {
      const left = Math.max(0, until - performance.now())
      await catalog.whenWithin(app, isOver, left, this.#signal)
      let isMine = false
      try {
        return await this.hold(app, (turn) => {
          isMine = true
          return work(turn)
        })
      } catch (error) {
        // Somebody was faster, of whom was not heard yet.
        const isTheirs = error instanceof ProblemError && error.code === 'conflict' && !isMine
        if (!isTheirs || performance.now() > until) throw error
        await pause(AGAIN)
      }
    }
  }
}

function unavailable(app: string, detail: string): ProblemError {
  return new ProblemError('unavailable', { app, detail, retryAfter: 5 })
}
