import { type IKeyValue, Range } from 'etcd3'
import type { Members } from './etcd-members.ts'

/** Entries in one page. Small ones cost etcd: it counts all that are there for each. */
const PAGE = 1000
const PAGE_BYTES = 4 * 1024 ** 2
/** The same where values are left out. */
const KEYS = 5000

/**
 * What is under any of `prefixes`, page by page, as all of it was together at one revision.
 * @param keysOnly leaves out the values
 */
export async function* pages(
  members: Members,
  prefixes: readonly string[],
  keysOnly = false,
): AsyncGenerator<{ kvs: IKeyValue[]; revision: string }> {
  let revision = '0'
  let limit = keysOnly ? KEYS : 100 // grows while values are small: a page of huge ones would not fit the deadline
  for (const prefix of prefixes) {
    const { start, end } = Range.prefix(prefix)
    for (let from = start, more = true; more; ) {
      const request = { key: from, range_end: end, limit, revision, keys_only: keysOnly }
      const page = await members.call((client, options) => client.kv.range(request, options))
      if (revision === '0') revision = page.header.revision
      yield { kvs: page.kvs, revision }
      const last = page.kvs.at(-1)
      more = page.more && last !== undefined
      if (last) from = Buffer.concat([last.key, Buffer.alloc(1)])
      if (!keysOnly) limit = next(limit, page.kvs)
    }
  }
}

function next(limit: number, kvs: readonly IKeyValue[]): number {
  const bytes = kvs.reduce((sum, kv) => sum + kv.value.length, 0)
  return bytes > PAGE_BYTES ? Math.max(1, limit >> 2) : Math.min(limit * 2, PAGE)
}
