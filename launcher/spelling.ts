import { canonical } from '../model/name.ts'
import type { Entry } from '../model/state.ts'
import type { Catalog } from './catalog.ts'

export interface SpellingOptions {
  catalog: Catalog
  store: { list(prefix: string): Promise<{ entries: Entry[] }> }
}

/**
 * App names are unique ignoring case, but etcd's keys are not: two creates at once may both be written. The one
 * written first stays. Asked after its own write, each creator gets the name that was there before, or null, so
 * exactly one of any number of them gets null. `revision` is that of the write; throws if etcd cannot be reached.
 */
export async function earlierSpelling(
  key: string,
  revision: string,
  { catalog: { keys, state }, store }: SpellingOptions,
): Promise<string | null> {
  const folder = keys.folder('app')
  const name = canonical(key.slice(folder.length))
  const isRival = (other: string): boolean =>
    other !== key && other.startsWith(folder) && canonical(other.slice(folder.length)) === name

  // A State that took our write and met no other spelling has seen all that was written before: no question to etcd.
  const held = state.apps.get(name)?.entry
  const seen = held?.key === key && BigInt(held.modRevision) >= BigInt(revision)
  if (seen && ![...state.rejected.keys()].some(isRival)) return null

  const { entries } = await store.list(folder)
  const earlier = entries.find(
    (entry) => isRival(entry.key) && BigInt(entry.createRevision) < BigInt(revision),
  )
  return earlier ? earlier.key.slice(folder.length) : null
}
