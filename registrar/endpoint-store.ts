import type { Logger } from 'pino'
import type { Entry } from '../model/state.ts'

/** etcd, as far as Endpoints are written. A rejected write may have happened or not. */
export interface EndpointStore {
  create(
    key: string,
    value: string,
    options: { lease: string },
  ): Promise<{ won: boolean; holder: Entry | null; revision: string }>
  replace(
    key: string,
    value: string,
    options: { modRevision: string; lease: string },
  ): Promise<string | null>
  remove(key: string, options: { modRevision?: string; lease: string }): Promise<string | null>
}

export interface PublicationOptions {
  log: Logger
  /** milliseconds after which a key that somebody else holds counts as theirs */
  patience: number
  /** Somebody else has held a key of ours for that long: our instance is the one too many. */
  onConflict(key: string, holder: Entry): void
  /**
   * Somebody removed a key of ours, who may know better: resolves when what it is about was looked at again, and it is
   * withdrawn if it does not hold. Only then it is written anew.
   */
  reconsider(key: string): Promise<void>
  /** etcd said that our lease is gone. */
  onLeaseGone(): void
  /** for the metrics; `seconds` since the Endpoint was wanted, with `registered` */
  onWrite(change: 'registered' | 'removed' | 'conflict', seconds?: number): void
}

/** Leases as all keys of a process share them. */
export interface Leases {
  /** the one to write under, null while there is none */
  present: string | null
  /** the present one and earlier ones of this process, and those of the process before us on this host */
  readonly own: ReadonlySet<string>
}

/** What we last knew to be in etcd under the key, of ours. */
export interface Written {
  value: string
  lease: string
  /** null while the outcome of a write is unknown */
  modRevision: string | null
}
