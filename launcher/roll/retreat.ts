import type { App } from '../../model/app.ts'
import { isAwake } from '../../model/container.ts'
import { ProblemError } from '../../model/problem.ts'
import type { Held } from '../../model/state.ts'
import type { Collection } from '../collection.ts'
import { explain } from '../wake/failure.ts'
import type { Exchange, Tell } from './exchange.ts'
import type { Turn } from './roll.ts'
import { type Found, isOlder, type Slots } from './slots.ts'

export interface RetreatOptions {
  apps: Collection<App>
  slots: Slots
  exchange: Exchange
}

/** A replace that cannot be completed. */
export interface Lost {
  /** the App as it was before, and what was stored in its place at `revision` */
  held: Held<App>
  next: App
  revision: string
  /** slots that were put to sleep for the new App */
  touched: readonly number[]
  /** the slot that proved it */
  spare: number | null
  turn: Turn
  tell: Tell
}

/** Brings an App back to what it was when not all of its instances can be made anew. */
export class Retreat {
  readonly #options: RetreatOptions

  constructor(options: RetreatOptions) {
    this.#options = options
  }

  /**
   * Puts the old App back, makes anew what has the new one already, and starts what does not run. Returns the problem
   * to tell: why it went back, and how that went.
   */
  async after(error: unknown, lost: Lost): Promise<ProblemError> {
    const { next, turn, tell } = lost
    const failure = explain(next.name, error)
    const { detail: reason = failure.problem.title } = failure.problem
    const say = (more: string, code = failure.code): ProblemError =>
      new ProblemError(code, { app: next.name, detail: `${more}: ${reason}` })
    try {
      turn.check()
      tell({ app: next.name, step: 'going-back', detail: reason })
      const target = await this.#restore(lost)
      if (target === null) return say('it was removed meanwhile')
      const failed = await this.#bringUp(target, lost)
      if (failed !== null) return say(`not all of its instances run (${failed}), after this`)
      if (target === lost.held.value)
        return say('the old one is back, for a new instance did not get ready')
      if (target === next) return say('not all of its instances could be made anew')
      return say('somebody changed it meanwhile', 'changed')
    } catch (trouble) {
      const { detail = '' } = explain(next.name, trouble).problem
      return say(`going back was not completed (${detail}), after this`)
    }
  }

  /** The App that is in force from now on: the old one, or what somebody else made of it; null if it is gone. */
  async #restore({ held, next, revision }: Lost): Promise<App | null> {
    const { apps } = this.#options
    // It was stored before this replace began: what was before that nobody knows.
    if (revision === held.entry.modRevision) return next
    try {
      return (await apps.replace(held.value, revision)) === null ? null : held.value
    } catch (error) {
      if (!(error instanceof ProblemError) || error.code !== 'changed') throw error
      return apps.get(next.name)?.value ?? null
    }
  }

  /** Returns why a slot does not run, null if all do. */
  async #bringUp(target: App, { held, touched, spare, turn, tell }: Lost): Promise<string | null> {
    const { exchange, slots } = this.#options
    const { found } = await slots.of(target.name)
    const up = found.filter((one) => isAwake(one.container) && one.spec.slot !== spare)
    const work: (() => Promise<void>)[] = []
    // What somebody else changed is theirs to exchange: only what does not run is started.
    if (target === held.value)
      for (const one of up.filter(isOlder(target)))
        work.push(() => this.#renew(target, one, turn, tell))
    const running = new Set(up.map(({ spec }) => spec.slot))
    for (const slot of touched)
      if (!running.has(slot) && slot < target.replicas)
        work.push(() => exchange.start(target, slot, tell))
    let failed: string | null = null
    for (const step of work)
      try {
        turn.check()
        await step()
      } catch (error) {
        const { detail = '' } = explain(target.name, error).problem
        failed ??= detail.split('\n')[0] ?? ''
      }
    if (target === held.value) await exchange.clear(target.name, isOlder(target))
    return failed
  }

  #renew(target: App, one: Found, turn: Turn, tell: Tell): Promise<void> {
    const { exchange } = this.#options
    if (one.spec.slot < target.replicas) return exchange.renew(target, one, turn, tell)
    return exchange.sleep(target, one, turn, tell)
  }
}
