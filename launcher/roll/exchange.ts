import type { App } from '../../model/app.ts'
import { isAwake, isUp } from '../../model/container.ts'
import type { Endpoint } from '../../model/endpoint.ts'
import { ProblemError } from '../../model/problem.ts'
import type { Progress } from '../../model/progress.ts'
import type { Host } from '../../model/record.ts'
import type { Catalog } from '../catalog.ts'
import { describe, explain } from '../wake/failure.ts'
import type { RollStep, Turn } from './roll.ts'
import { type Found, type Slots } from './slots.ts'

/** One slot to bring up with an App that need not be the one that is stored. */
export interface Bring {
  app: App
  slot: number
  report(step: Omit<Progress, 'app'>): void
  signal: AbortSignal
  /** whether the App is still to be started; by default while it is the one that is stored */
  isWanted?(): boolean
}

export interface ExchangeOptions {
  catalog: Catalog
  slots: Slots
  /** Waits for others who change the slot. Throws ProblemError, or the engine's error. */
  bring(what: Bring): Promise<Endpoint>
  /** aborts when this launcher ends */
  signal: AbortSignal
}

/** What was removed of an app, and what was not. */
export interface Cleared {
  removed: Found[]
  kept: { found: Found; reason: string }[]
  silent: Host[]
}

export type Tell = (step: RollStep) => void

/** How long a start that failed may take to be stopped, milliseconds: its claim goes then. */
const STOPPED = 30_000

/** Single instances made anew while the app is in use. */
export class Exchange {
  readonly #options: ExchangeOptions

  constructor(options: ExchangeOptions) {
    this.#options = options
  }

  /** Starts a slot. Throws ProblemError that says why it does not get ready. */
  async start(app: App, slot: number, tell: Tell, isWanted?: () => boolean): Promise<void> {
    const { bring, signal } = this.#options
    const said = { app: app.name, step: 'starting' as const, slot }
    tell(said)
    const report = ({ phase, detail }: Omit<Progress, 'app'>): void =>
      tell({ ...said, phase, ...(detail !== undefined && { detail }) })
    try {
      await bring({ app, slot, report, signal, ...(isWanted && { isWanted }) })
    } catch (error) {
      throw explain(app.name, error)
    }
  }

  /** Puts an instance to sleep in order and starts its slot with `app`. Throws ProblemError. */
  async renew(app: App, old: Found, turn: Turn, tell: Tell): Promise<void> {
    await this.sleep(app, old, turn, tell)
    turn.check()
    await this.start(app, old.spec.slot, tell)
  }

  async sleep(app: App, old: Found, turn: Turn, tell: Tell): Promise<void> {
    turn.check()
    tell({ app: app.name, step: 'draining', slot: old.spec.slot })
    await this.#options.slots.sleep(old)
  }

  /**
   * Starts a slot only to see whether that works. Throws ProblemError with the reason and the last lines of the app if
   * it does not; nothing of it is left then.
   */
  async prove(app: App, slot: number, tell: Tell, isWanted: () => boolean): Promise<void> {
    const { slots, catalog, signal } = this.#options
    tell({ app: app.name, step: 'proving', slot })
    try {
      // It is there for a moment beside all the others: any host will do.
      const proof: App = { ...app, antiAffinity: 'prefer' }
      await this.start(proof, slot, (step) => tell({ ...step, step: 'proving' }), isWanted)
    } catch (error) {
      const failure = explain(app.name, error)
      const isFree = (): true | null => (catalog.claim(app.name, slot) ? null : true)
      await catalog.whenWithin(app.name, isFree, STOPPED, signal)
      const more = failure.code === 'not-ready' ? await slots.lines(app.name, slot) : []
      await this.discard(app.name, slot)
      const { detail = failure.problem.title } = failure.problem
      throw new ProblemError(failure.code, { app: app.name, detail: [detail, ...more].join('\n') })
    }
  }

  /** Puts a slot to sleep and clears it away. Never throws: whatever is left of it, a keeper sees to. */
  async discard(app: string, slot: number): Promise<void> {
    if (this.#options.signal.aborted) return
    await this.#options.slots.retire(app, slot).catch(() => false)
  }

  /** Removes what sleeps and `isOld`, also what sleeps paused; tells what could not be removed, and why, and whose engine did not answer. */
  async clear(app: string, isOld: (found: Found) => boolean): Promise<Cleared> {
    const { slots, catalog } = this.#options
    const { found, silent } = await slots.of(app)
    const cleared: Cleared = { removed: [], kept: [], silent }
    for (const one of found) {
      const { app: name, slot } = one.spec
      // Made and not started yet: somebody is about to.
      if (
        isAwake(one.container) ||
        !isOld(one) ||
        catalog.claim(name, slot)?.value.action === 'wake'
      )
        continue
      try {
        if (isUp(one.container)) await slots.sleep(one)
        await slots.remove([one])
        cleared.removed.push(one)
      } catch (error) {
        cleared.kept.push({ found: one, reason: `cannot be removed: ${describe(error)}` })
      }
    }
    return cleared
  }
}
