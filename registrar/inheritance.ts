import type { Logger } from 'pino'
import type { Entry } from '../model/state.ts'
import type { Cluster } from './cluster.ts'
import { Backoff, pause } from './pause.ts'

export interface InheritanceOptions {
  /** etcd key of this host's record */
  key: string
  store: {
    get(key: string): Promise<Entry | null>
    remove(key: string, options: { modRevision: string }): Promise<string | null>
  }
  log: Logger
}

/** What the process before this one, on this host, left in etcd: all that is under the lease of its Host record. */
export class Inheritance {
  readonly #options: InheritanceOptions
  #lease: string | null = null

  constructor(options: InheritanceOptions) {
    this.#options = options
  }

  /** The lease of the process before, null if there is none. Resolves when etcd has answered, however long that takes. */
  async find(signal: AbortSignal): Promise<string | null> {
    const { key, store, log } = this.#options
    const backoff = new Backoff()
    while (!signal.aborted)
      try {
        const record = await store.get(key)
        this.#lease = record && record.lease !== '0' ? record.lease : null
        if (this.#lease) log.info({ lease: this.#lease }, 'taking over from the process before')
        break
      } catch (error) {
        log.debug({ reason: (error as Error).message }, 'etcd does not answer yet')
        await pause(backoff.next(), signal)
      }
    return this.#lease
  }

  /** Drops its claims: what it was about to do is not being done. Those that resist end with their lease. */
  async dropClaims(cluster: Cluster): Promise<void> {
    if (this.#lease === null) return
    for (const { entry } of cluster.claimsUnder(this.#lease))
      await this.#options.store
        .remove(entry.key, { modRevision: entry.modRevision })
        .catch(() => null)
  }
}
