import { setMaxListeners } from 'node:events'
import type { Logger } from 'pino'
import type { App } from '../../model/app.ts'
import { type Endpoint, formatEndpoint } from '../../model/endpoint.ts'
import { canonical } from '../../model/name.ts'
import { ProblemError } from '../../model/problem.ts'
import type { Progress } from '../../model/progress.ts'
import type { Catalog } from '../catalog.ts'
import type { Availability, Question } from './available.ts'
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

export interface WakesOptions {
  catalog: Catalog
  living: Living
  availability: Availability
  backoff: Backoff
  board: Board
  starter: Starter
  meter: Meter
  log: Logger
}

/** Who asks for an app. */
export interface Asker {
  /** what the hook is asked; null for an operator, who need not ask */
  question: Question | null
  /** `host:port` that was just found dead, '' if none */
  dead: string
  /** id of the instance that the client stays with, '' if none */
  pin?: string
  /** for another app that needs it: its failures count as they do for a visitor */
  isNeeded?: boolean
}

interface Flight {
  endpoint: Promise<Endpoint>
  /** the Endpoint that no connect was tried to, since it was just woken */
  unproven: boolean
}

/**
 * One wake per app in this launcher, however many wait for it. A wake belongs to nobody: it goes on when all who
 * asked have left, so the next one finds the app ready.
 */
export class Wakes {
  readonly #options: WakesOptions
  readonly #flights = new Map<string, Flight>()
  readonly #ending = new AbortController()

  constructor(options: WakesOptions) {
    this.#options = options
    // As many as there are wakes.
    setMaxListeners(0, this.#ending.signal)
  }

  /** Where requests for the app can go now; wakes it if nothing answers. Throws ProblemError. */
  async ask(app: App, asker: Asker): Promise<Endpoint> {
    const pinned = await this.#options.living.pinned(app, { pin: '', ...asker })
    if (pinned) return pinned
    const flight = this.#join(app, asker)
    const endpoint = await flight.endpoint
    if (!flight.unproven || formatEndpoint(endpoint) !== asker.dead) return endpoint
    this.#options.living.doubt(app.name)
    return await this.#join(app, asker).endpoint
  }

  /** Where an app is that another one needs; wakes it if nothing answers. The hook is asked about visitors only. */
  async need(app: App): Promise<Endpoint> {
    const asker = { question: null, dead: '', isNeeded: true }
    try {
      return await this.ask(app, asker)
    } catch (error) {
      if (!(error instanceof ProblemError) || error.code !== 'not-available') throw error
      // That was the answer to a visitor whose wake was joined, and it is over.
      return await this.ask(app, asker)
    }
  }

  /** Fills a slot that nobody waits for. Returns whether it runs now; failures are logged and count as such. */
  async fill(app: App, slot: number): Promise<boolean> {
    if (this.#paused(app, slot)) return false
    try {
      return (await this.#start(app, slot, false)) !== null
    } catch {
      return false
    }
  }

  /** Gives up all wakes: containers that were started stay, claims go with the session. */
  end(): void {
    this.#ending.abort(
      new ProblemError('unavailable', { detail: 'this launcher ends', retryAfter: 1 }),
    )
  }

  #join(app: App, asker: Asker): Flight {
    const name = canonical(app.name)
    const known = this.#flights.get(name)
    if (known) return known
    const flight: Flight = {
      endpoint: this.#fly(app, asker, () => {
        flight.unproven = true
      }),
      unproven: false,
    }
    this.#flights.set(name, flight)
    const landed = (): void => {
      if (this.#flights.get(name) === flight) this.#flights.delete(name)
    }
    // Everybody may have left: a failure nobody hears of is no unhandled rejection.
    flight.endpoint.then(landed, landed)
    return flight
  }

  async #fly(app: App, asker: Asker, unproven: () => void): Promise<Endpoint> {
    const { living, availability, backoff } = this.#options
    const signal = this.#ending.signal
    const alive = await living.find(app, asker.dead, signal)
    if (alive) {
      if (!alive.proven) unproven()
      return alive.endpoint
    }
    if (asker.question === null && !asker.isNeeded)
      for (let slot = 0; slot < app.replicas; slot++) backoff.forget(slotKey(app.name, slot))
    const paused = this.#paused(app, 0)
    if (paused) throw paused
    if (asker.question !== null && !(await availability.allows(asker.question)))
      throw new ProblemError('not-available', { app: app.name })
    unproven()
    // Patient, so never null: it ends with an Endpoint or throws.
    return (await this.#start(app, 0, true)) as Endpoint
  }

  async #start(app: App, slot: number, patient: boolean): Promise<Endpoint | null> {
    const { backoff, board, starter, living } = this.#options
    const name = canonical(app.name)
    const watch = new Stopwatch()
    const report = (step: Omit<Progress, 'app'>): void => board.report({ app: app.name, ...step })
    // A slot that is filled in the background is nothing a visitor waits for.
    const tell = patient ? report : () => {}
    tell({ phase: 'queued' })
    if (patient) this.#options.catalog.markUsed(name)
    try {
      const signal = this.#ending.signal
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

  /** Makes a problem of what happened, and lets the app wait before its next start if it was its own fault. */
  #failed(app: App, slot: number, error: unknown): ProblemError {
    const failure = explain(app.name, error)
    if (failure.code !== 'start-failed' && failure.code !== 'not-ready') return failure
    const { detail = failure.problem.title } = failure.problem
    const seconds = this.#options.backoff.failed(slotKey(app.name, slot), detail, performance.now())
    return new ProblemError(failure.code, { app: app.name, detail, retryAfter: seconds })
  }

  #paused(app: App, slot: number): ProblemError | null {
    const pause = this.#options.backoff.check(slotKey(app.name, slot), performance.now())
    if (!pause) return null
    return new ProblemError('backing-off', {
      app: app.name,
      detail: pause.reason,
      retryAfter: pause.seconds,
    })
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
