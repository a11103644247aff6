import type { Logger } from 'pino'
import { canonical } from '../../model/name.ts'
import { ProblemError } from '../../model/problem.ts'
import { type ClaimOptions, MARGIN, sleepSlot } from '../sleep/slot.ts'
import { whyNotLive } from './live.ts'

export interface ProofOptions extends ClaimOptions {
  /** seconds open requests may keep an instance that is told to sleep */
  drainTimeout: number
  /** whether anything is to be proven */
  isOn: boolean
  log: Logger
}

/** How long an instance may take to stop whose App nobody knows any more, seconds. */
const STOP = 10

/** Sees to it that gateways lead to what is ready, before a client is sent to ask anew. One look per app at a time. */
export class Proof {
  readonly #options: ProofOptions
  readonly #looks = new Map<string, Promise<void>>()

  constructor(options: ProofOptions) {
    this.#options = options
  }

  /** Resolves when gateways lead to the app. What none leads to is stopped: throws ProblemError `not-ready`. */
  async of(app: string): Promise<void> {
    if (!this.#options.isOn) return
    const name = canonical(app)
    const look = this.#looks.get(name) ?? this.#look(app).finally(() => this.#looks.delete(name))
    this.#looks.set(name, look)
    await look
  }

  async #look(app: string): Promise<void> {
    const { catalog, drainTimeout, log } = this.#options
    const reason = await whyNotLive(app, catalog)
    if (reason === null) return
    log.warn({ app, reason }, 'no gateway leads to it: it is stopped')
    const deadline = drainTimeout + (catalog.find(app)?.stopTimeout ?? STOP) + MARGIN
    await sleepSlot({ app, slot: 0, host: '' }, { firm: true, deadline }, this.#options)
    const detail = `no gateway leads to it: ${reason}`
    throw new ProblemError('not-ready', { app, detail, retryAfter: 5 })
  }
}
