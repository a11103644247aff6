import { setTimeout as pause } from 'node:timers/promises'
import type { Endpoint } from '../model/endpoint.ts'
import type { State } from '../model/state.ts'

/** How long a write waits for launchers that have not heard of it, milliseconds; it is in force either way. */
const PATIENCE = 1_000
/** Milliseconds, doubling. etcd tells everybody within one or two; who hears later is cut off, or has much to do. */
const AGAIN = 2
const LONGEST = 50

export interface OthersOptions {
  /** this launcher */
  id: string
  catalog: { state: Pick<State, 'launchers'> }
  /**
   * etcd revision up to which the launcher there knows every change, null if it does not say so within `timeout`
   * milliseconds; does not reject
   */
  ask(endpoint: Endpoint, timeout: number): Promise<bigint | null>
}

/**
 * The other launchers. A gateway may ask any of them about an app that was added here, and none is to say that there is no
 * such app: so who writes waits for them. Whoever asks about a name that nobody has costs nothing that way.
 */
export class Others {
  readonly #options: OthersOptions

  constructor(options: OthersOptions) {
    this.#options = options
  }

  /** Resolves when every other launcher that answers knows all up to `revision`, or has had a second to. Does not reject. */
  async know(revision: string): Promise<void> {
    const until = performance.now() + PATIENCE
    const { id, catalog } = this.#options
    const others = [...catalog.state.launchers].filter(([other]) => other !== id)
    await Promise.all(others.map(([, { value }]) => this.#wait(value, BigInt(revision), until)))
  }

  async #wait(endpoint: Endpoint, revision: bigint, until: number): Promise<void> {
    for (let again = AGAIN; ; again = Math.min(again * 2, LONGEST)) {
      const left = Math.ceil(until - performance.now())
      const known = left > 0 ? await this.#options.ask(endpoint, left) : null
      if (known === null || known >= revision) return
      await pause(again)
    }
  }
}
