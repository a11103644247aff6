import { setMaxListeners } from 'node:events'
import type { App } from '../../model/app.ts'
import { type Endpoint, formatEndpoint } from '../../model/endpoint.ts'
import { canonical } from '../../model/name.ts'
import { ProblemError } from '../../model/problem.ts'
import type { Availability, Question } from './available.ts'
import { type Backoff, slotKey } from './backoff.ts'
import type { Living } from './living.ts'
import type { Starts } from './starts.ts'

export interface WakesOptions {
  living: Living
  availability: Availability
  backoff: Backoff
  starts: Pick<Starts, 'start' | 'paused'>
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
    const { starts } = this.#options
    if (starts.paused(app, slot)) return false
    try {
      return (await starts.start(app, slot, false, this.#ending.signal)) !== null
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
    const { living, availability, backoff, starts } = this.#options
    const signal = this.#ending.signal
    const alive = await living.find(app, asker.dead, signal)
    if (alive) {
      if (!alive.proven) unproven()
      return alive.endpoint
    }
    if (asker.question === null && !asker.isNeeded)
      for (let slot = 0; slot < app.replicas; slot++) backoff.forget(slotKey(app.name, slot))
    const paused = starts.paused(app, 0)
    if (paused) throw paused
    if (asker.question !== null && !(await availability.allows(asker.question)))
      throw new ProblemError('not-available', { app: app.name })
    unproven()
    // Patient, so never null: it ends with an Endpoint or throws.
    return (await starts.start(app, 0, true, signal)) as Endpoint
  }
}
