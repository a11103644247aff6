import type { Logger } from 'pino'
import type { App } from '../../model/app.ts'
import { type Endpoint, formatEndpoint } from '../../model/endpoint.ts'
import { canonical } from '../../model/name.ts'
import { ProblemError } from '../../model/problem.ts'
import type { Progress } from '../../model/progress.ts'
import type { Catalog } from '../catalog.ts'
import { type Backoff, slotKey } from './backoff.ts'
import type { Board } from './board.ts'
import { explain } from './failure.ts'
import type { Living } from './living.ts'
import type { Starter } from './start.ts'
import { Stopwatch } from './stopwatch.ts'

/** What this launcher counts. */
export interface Meter {
  /** @param result `ready`, `joined` (another launcher started it, or its sleep was taken back) or a problem code */
  wake(result: string): void
  /** @param milliseconds spent in the lap */
  lap(name: string, milliseconds: number): void
}

export interface StartsOptions {
  catalog: Catalog
  living: Pick<Living, 'woke'>
  backoff: Backoff
  board: Board
  starter: Pick<Starter, 'start'>
  meter: Meter
  log: Logger
}

/** Starts with all that is to be known of each: how far it is, how long it took, and whether the next one has to wait. */
export class Starts {
  readonly #options: StartsOptions

  constructor(options: StartsOptions) {
    this.#options = options
  }

  /**
   * Brings a slot up; null if somebody else has it and the start is not `patient`: a visitor waits for one that is.
   * Throws ProblemError.
   */
  async start(
    app: App,
    slot: number,
    patient: boolean,
    signal: AbortSignal,
  ): Promise<Endpoint | null> {
    const { catalog, backoff, board, starter, living } = this.#options
    const name = canonical(app.name)
    const watch = new Stopwatch()
    const report = (step: Omit<Progress, 'app'>): void => board.report({ app: app.name, ...step })
    // A slot that is filled in the background is nothing a visitor waits for.
    const tell = patient ? report : () => {}
    tell({ phase: 'queued' })
    if (patient) catalog.markUsed(name)
    try {
      const endpoint = await starter.start({ app, slot, patient, report: tell, watch, signal })
      if (endpoint === null) return null
      backoff.ready(slotKey(name, slot), performance.now())
      living.woke(app.name, endpoint)
      tell({ phase: 'ready' })
      // Those who wait are answered in the microtasks that come first.
      process.nextTick(() => watch.lap('answered'))
      setImmediate(() => {
        // Without a start of ours it was somebody else's, or a sleep that was taken back.
        const result = watch.laps.start === undefined ? 'joined' : 'ready'
        this.#done(app, slot, watch, result, { endpoint: formatEndpoint(endpoint) })
      })
      return endpoint
    } catch (error) {
      const failure = this.#failed(app, slot, error)
      tell({ phase: 'failed', detail: failure.problem.detail ?? failure.problem.title })
      this.#done(app, slot, watch, failure.code, { reason: failure.problem.detail })
      throw failure
    }
  }

  /** Why a slot is not started right now: its last start failed not long ago. Else null. */
  paused(app: App, slot: number): ProblemError | null {
    const pause = this.#options.backoff.check(slotKey(app.name, slot), performance.now())
    if (!pause) return null
    return new ProblemError('backing-off', {
      app: app.name,
      detail: pause.reason,
      retryAfter: pause.seconds,
    })
  }

  /** Makes a problem of what happened, and lets the app wait before its next start if it was its own fault. */
  #failed(app: App, slot: number, error: unknown): ProblemError {
    const failure = explain(app.name, error)
    if (failure.code !== 'start-failed' && failure.code !== 'not-ready') return failure
    const { detail = failure.problem.title } = failure.problem
    const seconds = this.#options.backoff.failed(slotKey(app.name, slot), detail, performance.now())
    return new ProblemError(failure.code, { app: app.name, detail, retryAfter: seconds })
  }

  #done(app: App, slot: number, watch: Stopwatch, result: string, more: object): void {
    const { meter, log } = this.#options
    meter.wake(result)
    for (const [lap, ms] of Object.entries(watch.laps)) meter.lap(lap, ms)
    const line = { app: app.name, slot, result, ms: watch.summary(), ...more }
    if (result === 'ready' || result === 'joined') log.info(line, 'woke')
    else log.warn(line, 'wake failed')
  }
}
