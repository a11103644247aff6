import {
  type ICompare,
  type IDuplexStream,
  type IKeyValue,
  type IRequestOp,
  type ITxnResponse,
  type IWatchRequest,
  Range,
} from 'etcd3'
import { Shared } from '../model/shared.ts'
import type { Entry } from '../model/state.ts'

/** Leases: of a host's all entries have the same. */
const leases = new Shared()

export function toEntry(kv: IKeyValue): Entry {
  const { mod_revision: modRevision, create_revision: created } = kv
  return {
    key: kv.key.toString(),
    value: kv.value.toString(),
    modRevision,
    // Most are written once: two texts that are equal would be kept for good.
    createRevision: created === modRevision ? modRevision : created,
    lease: leases.text(kv.lease),
  }
}

/** A write of text; lease `0` is none. */
export function putRequest(key: string, value: string, lease = '0') {
  return { key: Buffer.from(key), value: Buffer.from(value), lease }
}

export function putOp(key: string, value: string, lease: string): IRequestOp {
  return { request_put: putRequest(key, value, lease) }
}

/** The key is there, still as of `modRevision` and under `lease`, where these are given. */
export function guards(name: string, modRevision?: string, lease?: string): ICompare[] {
  const key = Buffer.from(name)
  const compare: ICompare[] = [{ key, target: 'Create', result: 'Greater', create_revision: '0' }]
  if (modRevision !== undefined) compare.push({ key, target: 'Mod', mod_revision: modRevision })
  if (lease !== undefined) compare.push({ key, target: 'Lease', lease })
  return compare
}

/** What the transaction read where its guards did not hold. */
export function found(result: ITxnResponse): Entry | null {
  const kv = result.responses[0]?.response_range?.kvs[0]
  return kv ? toEntry(kv) : null
}

/** As much with no entry under two of them. */
export function apart(prefixes: readonly string[]): string[] {
  const all = [...new Set(prefixes)]
  return all.filter((one) => !all.some((other) => other !== one && one.startsWith(other)))
}

/** A watch from revision `from` on, over the smallest range that holds all prefixes. */
export function watchRequest(prefixes: string[], from: bigint): IWatchRequest {
  const ranges = prefixes.map((prefix) => Range.prefix(prefix))
  const [key = Buffer.alloc(1)] = ranges.map(({ start }) => start).sort(Buffer.compare)
  const range_end =
    ranges
      .map(({ end }) => end)
      .sort(Buffer.compare)
      .at(-1) ?? Buffer.alloc(1)
  return { create_request: { key, range_end, start_revision: String(from), progress_notify: true } }
}

/**
 * Ends a stream that did nothing wrong. Half-closed first: etcd3 takes the cancelling of a writable stream for a
 * failure of its member and closes the connection, other streams and all.
 */
export function abandon<T, R>(stream: IDuplexStream<T, R>): void {
  stream.on('error', () => {}) // cancelling reports itself as one
  stream.end()
  stream.cancel()
}
