import {
  type ICompare,
  type IDuplexStream,
  type IRequestOp,
  type IWatchRequest,
  type IWatchResponse,
} from 'etcd3'
import type { Entry } from '../model/state.ts'
import type { Since } from './audit.ts'
import { EtcdError, toEtcdError } from './etcd-error.ts'
import { Renewals, remaining } from './etcd-lease.ts'
import { listSince, pages } from './etcd-list.ts'
import { type EtcdOptions, Members } from './etcd-members.ts'
import { found, guards, putOp, putRequest, toEntry } from './etcd-request.ts'
import { type GuardedPut, putAll, writeIf } from './etcd-transaction.ts'

export { EtcdError, type EtcdErrorCode } from './etcd-error.ts'
export type { EtcdOptions } from './etcd-members.ts'

/** A raw watch stream of one member; `failed` tells the store that this member broke it. */
export interface WatchStream {
  stream: IDuplexStream<IWatchRequest, IWatchResponse>
  failed(): void
}

/** Makes a store for the cluster at `options.urls`. Connects with the first call; throws only on senseless options. */
export function connect(options: EtcdOptions): Store {
  return new Store(options)
}

/**
 * etcd's keys, transactions and leases. Every call ends within the deadline and rejects with an EtcdError; after
 * `unavailable` the outcome of a write is unknown and the caller's to find out by the same call again.
 */
export class Store {
  readonly #members: Members
  readonly #renewals: Renewals

  constructor(options: EtcdOptions) {
    this.#members = new Members(options)
    this.#renewals = new Renewals(this.#members)
  }

  async get(key: string): Promise<Entry | null> {
    const { kvs } = await this.#members.call((client, options) =>
      client.kv.range({ key: Buffer.from(key) }, options),
    )
    return kvs[0] ? toEntry(kvs[0]) : null
  }

  /** All entries under `prefix`, as they were at one revision. */
  list(prefix: string): Promise<{ entries: Entry[]; revision: string }> {
    return this.listAll([prefix])
  }

  /**
   * All entries under any of `prefixes`, as they were together at one revision.
   * @param gist what of each is wanted: as many as there are, they take room
   */
  async listAll(
    prefixes: string[],
    gist: (entry: Entry) => Entry = (entry) => entry,
  ): Promise<{ entries: Entry[]; revision: string }> {
    const entries: Entry[] = []
    let revision = '0'
    for await (const page of pages(this.#members, prefixes)) {
      revision = page.revision
      for (const kv of page.kvs) entries.push(gist(toEntry(kv)))
    }
    return { entries, revision }
  }

  /** How much is under any of `prefixes`, and what of it changed after revision `from`. See {@link listSince}. */
  since(prefixes: readonly string[], from: bigint): Promise<Since> {
    return listSince(this.#members, prefixes, from)
  }

  /** Writes `key` whatever is there. Returns the revision of the write. */
  async put(key: string, value: string, options: { lease?: string } = {}): Promise<string> {
    const request = putRequest(key, value, options.lease)
    const { header } = await this.#members.call((client, call) => client.kv.put(request, call))
    return header.revision
  }

  /**
   * Writes `key` only if it is absent. `holder` is the entry that is there now, ours if `won`. An entry with our value
   * under our lease is ours: an earlier attempt made it. Without a lease only an attempt of this call counts as that.
   */
  async create(
    key: string,
    value: string,
    { lease = '0' }: { lease?: string } = {},
  ): Promise<{ won: boolean; holder: Entry | null; revision: string }> {
    const absent: ICompare = { key: Buffer.from(key), target: 'Create', create_revision: '0' }
    const { result, again } = await writeIf(this.#members, [absent], putOp(key, value, lease))
    const revision = result.header.revision
    if (result.succeeded) {
      const holder = { key, value, modRevision: revision, createRevision: revision, lease }
      return { won: true, holder, revision }
    }
    const holder = found(result)
    const won = holder?.value === value && holder.lease === lease && (again || lease !== '0')
    return { won, holder, revision: won ? holder.modRevision : revision }
  }

  /** Writes `key` only if it is still as of `modRevision`. Returns the new revision, null if it changed. */
  async replace(
    key: string,
    value: string,
    { modRevision, lease = '0' }: { modRevision: string; lease?: string },
  ): Promise<string | null> {
    const { result, again } = await writeIf(
      this.#members,
      guards(key, modRevision),
      putOp(key, value, lease),
    )
    if (result.succeeded) return result.header.revision
    const holder = found(result)
    const ours = again && holder?.value === value && holder.lease === lease
    return ours && BigInt(holder.modRevision) > BigInt(modRevision) ? holder.modRevision : null
  }

  /** Deletes `key` only if it is still as of `modRevision` and under `lease`. The revision of the delete, else null. */
  async remove(
    key: string,
    { modRevision, lease }: { modRevision?: string; lease?: string } = {},
  ): Promise<string | null> {
    const bytes = Buffer.from(key)
    const drop: IRequestOp = { request_delete_range: { key: bytes } }
    const { result, again } = await writeIf(this.#members, guards(key, modRevision, lease), drop)
    if (result.succeeded) return result.header.revision
    return again && found(result) === null ? result.header.revision : null
  }

  /** Writes all of `puts`, or none. See {@link putAll}. */
  putAll(puts: readonly GuardedPut[], absent: readonly string[] = []): ReturnType<typeof putAll> {
    return putAll(this.#members, puts, absent)
  }

  /** A new lease of `ttl` seconds. */
  async grant(ttl: number): Promise<string> {
    const { ID } = await this.#members.call((client, options) =>
      client.leaseClient.leaseGrant({ TTL: ttl }, options),
    )
    return ID
  }

  /** Ends a lease and deletes its keys; one that is gone already is fine. */
  async revoke(lease: string): Promise<void> {
    try {
      await this.#members.call((client, options) =>
        client.leaseClient.leaseRevoke({ ID: lease }, options),
      )
    } catch (error) {
      if (!(error instanceof EtcdError) || error.code !== 'lease-gone') throw error
    }
  }

  /** Renews a lease once, within `deadline` milliseconds. False: it is gone. See {@link Renewals}. */
  renew(lease: string, deadline: number): Promise<boolean> {
    return this.#renewals.renew(lease, deadline)
  }

  /** Seconds a lease was granted for and has left, both 0 if it is gone. */
  remaining(lease: string): ReturnType<typeof remaining> {
    return remaining(this.#members, lease)
  }

  /** Opens a raw watch stream; the caller owns it and must cancel it. */
  async watch(): Promise<WatchStream> {
    const member = this.#members.current
    try {
      const stream = await member.client.watchClient.watch()
      return { stream, failed: () => this.#members.failed(member) }
    } catch (error) {
      this.#members.failed(member)
      throw toEtcdError(error, member.url)
    }
  }

  /** Ends the connections. Later calls reject with `closed`. */
  close(): void {
    this.#renewals.close()
    this.#members.close()
  }
}
