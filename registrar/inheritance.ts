import type { Logger } from 'pino'
import type { Entry } from '../model/state.ts'
import type { Cluster } from './cluster.ts'
import { isNamesake, namesake } from './namesake.ts'
import { Backoff, pause } from './pause.ts'

export interface InheritanceOptions {
  /** name of this host in the cluster */
  name: string
  /** what tells this machine from others of that name */
  incarnation: string
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

  /**
   * The lease of the process before, null if there is none. Resolves when etcd has answered, however long that takes,
   * and when no other machine of our name is alive: what it keeps in etcd would otherwise be swept as ours.
   */
  async find(signal: AbortSignal): Promise<string | null> {
    const { name, incarnation, key, store, log } = this.#options
    const backoff = new Backoff()
    let isTold = false
    while (!signal.aborted) {
      try {
        const record = await store.get(key)
        if (!isNamesake(record, incarnation)) {
          this.#lease = record && record.lease !== '0' ? record.lease : null
          if (this.#lease) log.info({ lease: this.#lease }, 'taking over from the process before')
          break
        }
        if (!isTold) log.warn({ host: name }, `waiting: ${namesake(name)}`)
        isTold = true
      } catch (error) {
        log.debug({ reason: (error as Error).message }, 'etcd does not answer yet')
      }
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
