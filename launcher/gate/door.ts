import { setTimeout as pause } from 'node:timers/promises'
import type { App } from '../../model/app.ts'
import type { Endpoint } from '../../model/endpoint.ts'
import { canonical } from '../../model/name.ts'
import { type Problem, problem } from '../../model/problem.ts'
import type { HoldLimits, Holds } from './hold.ts'
import type { Order } from './order.ts'
import { Release } from './release.ts'
import type { Ask } from './request.ts'
import { type Client, REFRESH, type WaitOptions, waitFor } from './wait.ts'
import { admits, type Way } from './way.ts'

/** What the door needs to know and do. */
export interface DoorOptions extends WaitOptions {
  /** the App that is reached under that name in this way, null if none */
  find(name: string, way: Way): App | null
  /** proves a cookie that names an app; null where they are not signed */
  isSigned: ((app: string, cookie: string) => boolean) | null
  /** resolves when gateways lead to an app that is ready, else it is stopped: throws ProblemError */
  prove(app: App): Promise<void>
  /** whether an instance of it is registered */
  runs(app: string): boolean
  /** where an app answers that is registered but not ours to wake; silent if it does not answer, null if there is none */
  registered(name: string, dead: string): Promise<Endpoint | 'silent' | null>
  holds: Holds
  /** what stands for an instance in a client's cookie, null where there is none any more */
  pinOf(app: string, endpoint: Endpoint): string | null
  /** told the answer to each question: upstream, unknown, page, left, again or a problem code */
  count(answer: string): void
  /** resolves when the catalog is complete; before that no name is unknown */
  synced: Promise<void>
  /** whether visitors are told why an app failed; operators always are */
  tellsReasons: boolean
}

/**
 * What a client is to get. `unknown`: the gateway's own page for what is not there, the forbidden looks the same;
 * `awake`: the client is to ask anew, at `/`; `busy`: nobody is left to hear it, or this launcher ends and another one is to be asked.
 */
export type Decision =
  | { is: 'upstream'; endpoint: Endpoint; pin: string | null }
  | { is: 'page'; order: Order }
  | { is: 'unknown' | 'awake' | 'again' | 'busy' }

/** How long a question waits for the catalog, milliseconds. */
const SYNC = 5_000
/** Why a request is not held. */
const FULL: Record<keyof HoldLimits, string> = {
  perApp: 'as many wait for this app as may',
  perClient: 'as many requests of this client wait as may',
  total: 'as many requests wait here as may',
}

/**
 * Where requests for apps wait: held until the app is ready, the client leaves, or it has waited long enough for a page
 * or for its time limit. Whoever asks says the decision in its own way.
 */
export class Door {
  readonly #options: DoorOptions
  readonly #ending: AbortSignal
  readonly #release = new Release()
  readonly #complete: Promise<void>
  #synced = false

  /** @param ending lets go of everybody */
  constructor(options: DoorOptions, ending: AbortSignal) {
    this.#options = options
    this.#ending = ending
    this.#complete = options.synced.then(() => {
      this.#synced = true
    })
  }

  /** Decides about one request; `client` closes when nobody waits for it any more. Does not reject. */
  async ask(ask: Ask, client: Client): Promise<Decision> {
    const { count, find, isSigned, runs } = this.#options
    if (!this.#synced && !(await this.#wholeCatalog(ask.client))) return { is: 'busy' }
    if (!admits(ask, isSigned)) return this.#unknown('unknown')
    const app = find(ask.app, ask.way)
    if (!app) return await this.#registered(ask)
    if (this.#ending.aborted) return { is: 'busy' }
    const name = canonical(app.name)
    const full = this.#options.holds.enter(name, ask.client)
    if (full !== null) {
      const more = { app: app.name, detail: FULL[full], retryAfter: REFRESH }
      return this.#order(ask, app.name, problem('overloaded', more))
    }
    const waits = ask.held > 0 || !runs(app.name)
    try {
      const patience = ask.redirects && waits ? this.#anew() : this.#options
      const answer = await waitFor(app, ask, client, this.#ending, patience)
      if (answer.is === 'problem') return this.#order(ask, app.name, answer.problem)
      if (answer.is === 'upstream') {
        if (ask.redirects && waits) return this.#awake()
        await this.#release.turn(name)
        return this.#upstream(answer.endpoint, app)
      }
      count(answer.is)
      return { is: answer.is === 'again' ? 'again' : 'busy' }
    } finally {
      this.#options.holds.leave(name, ask.client)
    }
  }

  /** Who will ask anew is not answered before a gateway leads there: held requests are told where to go. */
  #anew(): WaitOptions {
    const { wake, prove } = this.#options
    return {
      ...this.#options,
      wake: async (app, asker) => {
        const endpoint = await wake(app, asker)
        await prove(app)
        return endpoint
      },
    }
  }

  /** Waits until the catalog is complete, as one of those who are held. Returns whether it is. */
  async #wholeCatalog(client: string): Promise<boolean> {
    const { holds } = this.#options
    if (holds.enter('', client) !== null) return false
    try {
      await Promise.race([this.#complete, pause(SYNC, null, { ref: false })])
      return this.#synced
    } finally {
      holds.leave('', client)
    }
  }

  /** An app that has no App: its sidekick registered it, a moment ago or before it died. */
  async #registered(ask: Ask): Promise<Decision> {
    const endpoint = await this.#options.registered(ask.app, ask.dead)
    if (endpoint === null) return this.#unknown('unknown')
    if (endpoint !== 'silent') return this.#upstream(endpoint)
    const detail = 'no server of it answers, and it is not ours to start'
    const more = { app: ask.app, detail, retryAfter: REFRESH }
    return this.#order(ask, ask.app, problem('unavailable', more))
  }

  #upstream(endpoint: Endpoint, app?: App): Decision {
    this.#options.count('upstream')
    const pin = app?.sticky ? this.#options.pinOf(app.name, endpoint) : null
    return { is: 'upstream', endpoint, pin }
  }

  #awake(): Decision {
    this.#options.count('upstream')
    return { is: 'awake' }
  }

  #unknown(answer: string): Decision {
    this.#options.count(answer)
    return { is: 'unknown' }
  }

  #order(ask: Ask, app: string, problem: Problem): Decision {
    const code = problem.type.slice('urn:reveille:problem:'.length)
    if (problem.status === 404) return this.#unknown(code)
    const kind: Order['kind'] = code === 'waiting' ? 'waiting' : 'problem'
    this.#options.count(kind === 'waiting' ? 'page' : code)
    const retryAfter = problem.retryAfter ?? REFRESH
    const { wantsHtml } = ask
    return { is: 'page', order: { kind, problem: this.#told(problem), app, wantsHtml, retryAfter } }
  }

  /** What visitors see of a problem. */
  #told(problem: Problem): Problem {
    const { detail: _, ...short } = problem
    return this.#options.tellsReasons ? problem : short
  }
}
