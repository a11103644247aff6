import { setTimeout as pause } from 'node:timers/promises'
import type { Logger } from 'pino'
import type { Keys } from '../model/key.ts'
import type { Entry } from '../model/state.ts'
import type { Change } from './catalog.ts'

/** How long another process that registers under our id has its way, milliseconds. */
const CONTEST = 5_000

export interface RegisterOptions {
  keys: Keys
  store: {
    get(key: string): Promise<Entry | null>
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
  /** lease of the run of this launcher before this one: same id, same address, which no two can listen on */
  earlier: string | null = null
  #isFirst = true

  constructor(options: RegisterOptions) {
    this.#options = options
  }

  /** Puts the key under `lease`, however often that takes, until a later lease or {@link end}. */
  async renew(lease: string): Promise<void> {
    const { keys, store, id, address, log } = this.#options
    const key = keys.named('launcher', id)
    this.#lease = lease
    for (let delay = 100; this.#lease === lease; delay = Math.min(delay * 2, 2_000)) {
      try {
        const known = await store.get(key)
        if (known?.value === address && known.lease !== lease && this.#isFirst)
          this.earlier = known.lease
        await store.put(key, address, { lease })
        this.#isFirst = false
        log.info({ id, address }, 'registered')
        return
      } catch (error) {
        log.debug({ error: (error as Error).message }, 'could not register yet')
        await pause(delay)
      }
    }
  }

  /** Puts the key again if it was deleted, and in a while if another process put its own: two that fight help nobody. */
  watch(batch: readonly Change[]): void {
    const { keys, id, log } = this.#options
    const key = keys.named('launcher', id)
    for (const change of batch) {
      const lease = this.#lease
      if (lease === '' || (change.type === 'put' ? change.entry.key : change.key) !== key) continue
      if (change.type === 'put' && change.entry.lease === lease) continue
      const stolen = change.type === 'put'
      log.warn({ id }, stolen ? 'another process registers as this launcher' : 'was unregistered')
      void pause(stolen ? CONTEST : 0).then(() => {
        if (this.#lease === lease) void this.renew(lease)
      })
    }
  }

  /** No more tries; the key goes with the lease. */
  end(): void {
    this.#lease = ''
  }
}
