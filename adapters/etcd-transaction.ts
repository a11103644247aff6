import type { ICompare, IRequestOp, ITxnResponse } from 'etcd3'
import type { Entry } from '../model/state.ts'
import type { Members } from './etcd-members.ts'
import { putOp, toEntry } from './etcd-request.ts'

/** One of several keys that are written together. */
export interface GuardedPut {
  key: string
  value: string
  /** what the key must still be as of; `0` for one that must be absent */
  modRevision: string
  lease?: string
}

/** Runs `op` if all of `compare` hold, else reads the key. `again`: an earlier attempt may have done it. */
export function writeIf(
  members: Members,
  compare: ICompare[],
  op: IRequestOp,
): Promise<{ result: ITxnResponse; again: boolean }> {
  const read: IRequestOp = { request_range: { key: compare[0]?.key ?? Buffer.alloc(0) } }
  return members.call(async (client, options, again) => ({
    result: await client.kv.txn({ compare, success: [op], failure: [read] }, options),
    again,
  }))
}

/**
 * Writes all of `puts`, or none: each key must still be as it was seen, and those in `absent` must not be there.
 * `revision`: of the write, null if any key has changed; then `entries` are what is there now, first those of `puts`.
 */
export async function putAll(
  members: Members,
  puts: readonly GuardedPut[],
  absent: readonly string[] = [],
): Promise<{ revision: string | null; entries: (Entry | null)[] }> {
  const guards = [...puts, ...absent.map((key) => ({ key, modRevision: '0' }))]
  const compare = guards.map(({ key, modRevision }): ICompare => {
    return { key: Buffer.from(key), target: 'Mod', mod_revision: modRevision }
  })
  const result = await members.call((client, options) =>
    client.kv.txn(
      {
        compare,
        success: puts.map(({ key, value, lease = '0' }) => putOp(key, value, lease)),
        failure: guards.map(({ key }) => ({ request_range: { key: Buffer.from(key) } })),
      },
      options,
    ),
  )
  if (result.succeeded) return { revision: result.header.revision, entries: [] }
  const entries = result.responses.map(({ response_range }) => {
    const kv = response_range?.kvs[0]
    return kv ? toEntry(kv) : null
  })
  return { revision: null, entries }
}
