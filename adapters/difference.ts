import type { Entry } from '../model/state.ts'

/** One difference. `seen`: etcd told of the delete; otherwise the key was only missing from a list. */
export type Change = { type: 'put'; entry: Entry } | { type: 'delete'; key: string; seen: boolean }

/**
 * What a new list says that was not known: deletes, then puts in the order of their creation, as a watch from the
 * beginning would have told them (of names in clash the first counts).
 */
export function differences(known: ReadonlyMap<string, Entry>, entries: Entry[]): Change[] {
  const keys = new Set(entries.map((entry) => entry.key))
  const changes: Change[] = []
  for (const key of known.keys())
    if (!keys.has(key)) changes.push({ type: 'delete', key, seen: false })
  for (const entry of [...entries].sort(byCreation)) {
    const old = known.get(entry.key)
    if (!old || !same(old, entry)) changes.push({ type: 'put', entry })
  }
  return changes
}

/** Values too: a restored etcd can reach an old revision number with another value. */
function same(a: Entry, b: Entry): boolean {
  return a.modRevision === b.modRevision && a.value === b.value && a.lease === b.lease
}

function byCreation(a: Entry, b: Entry): number {
  return Number(BigInt(a.createRevision) - BigInt(b.createRevision))
}
