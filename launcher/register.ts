import { setTimeout as pause } from 'node:timers/promises'
import type { Logger } from 'pino'
import type { Keys } from '../model/key.ts'

export interface RegisterOptions {
  keys: Keys
  store: {
    put(key: string, value: string, options: { lease: string }): Promise<string>
  }
  id: string
  /** host:port under which gateways reach the wake port */
  address: string
  log: Logger
}

/** Keeps this launcher known to the gateways: its key lives under the session's lease, and is put anew with each. */
export class Registration {
  readonly #options: RegisterOptions
  #lease = ''

  constructor(options: RegisterOptions) {
    this.#options = options
  }

  /** Puts the key under `lease`, however often that takes, until a later lease or {@link end}. */
  async renew(lease: string): Promise<void> {
    const { keys, store, id, address, log } = this.#options
    this.#lease = lease
    for (let delay = 100; this.#lease === lease; delay = Math.min(delay * 2, 2_000)) {
      try {
        await store.put(keys.named('launcher', id), address, { lease })
        log.info({ id, address }, 'registered')
        return
      } catch (error) {
        log.debug({ error: (error as Error).message }, 'could not register yet')
        await pause(delay)
      }
    }
  }

  /** No more tries; the key goes with the lease. */
  end(): void {
    this.#lease = ''
  }
}
