import { type IKeyValue, Range } from 'etcd3'
import type { Since } from './audit.ts'
import type { Members } from './etcd-members.ts'

/** Entries in one page. Small ones cost etcd: it counts all that are there for each. */
const PAGE = 1000
const PAGE_BYTES = 4 * 1024 ** 2

/** What is under any of `prefixes`, page by page, as all of it was together at one revision. */
export async function* pages(
  members: Members,
  prefixes: readonly string[],
): AsyncGenerator<{ kvs: IKeyValue[]; revision: string }> {
  let revision = '0'
  let limit = 100 // grows while values are small: a page of huge ones would not fit the deadline
  for (const prefix of prefixes) {
    const { start, end } = Range.prefix(prefix)
    for (let from = start, more = true; more; ) {
      const request = { key: from, range_end: end, limit, revision }
      const page = await members.call((client, options) => client.kv.range(request, options))
      if (revision === '0') revision = page.header.revision
      yield { kvs: page.kvs, revision }
      const last = page.kvs.at(-1)
      more = page.more && last !== undefined
      if (last) from = Buffer.concat([last.key, Buffer.alloc(1)])
      limit = next(limit, page.kvs)
    }
  }
}

function next(limit: number, kvs: readonly IKeyValue[]): number {
  const bytes = kvs.reduce((sum, kv) => sum + kv.value.length, 0)
  return bytes > PAGE_BYTES ? Math.max(1, limit >> 2) : Math.min(limit * 2, PAGE)
}

/** How much is under any of `prefixes`, and which of it changed after `from`: for that etcd goes through it by itself. */
export async function listSince(
  members: Members,
  prefixes: readonly string[],
  from: bigint,
): Promise<Since> {
  const asked = { keys_only: true, min_mod_revision: String(from + 1n) }
  const changed: Since['changed'] = []
  let revision = '0'
  let count = 0
  for (const prefix of prefixes) {
    const { start, end } = Range.prefix(prefix)
    const request = { ...asked, key: start, range_end: end, revision }
    const answer = await members.call((client, options) => client.kv.range(request, options))
    if (revision === '0') revision = answer.header.revision
    // Of all, as it counts before it looks for what changed.
    count += Number(answer.count)
    for (const kv of answer.kvs)
      changed.push({ key: kv.key.toString(), modRevision: kv.mod_revision })
  }
  return { revision: BigInt(revision), count, changed }
}
