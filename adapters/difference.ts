import { createHash } from 'node:crypto'
import type { Entry } from '../model/state.ts'

/** One difference. `seen`: etcd told of the delete; otherwise the key was only missing from a list. */
export type Change = { type: 'put'; entry: Entry } | { type: 'delete'; key: string; seen: boolean }

/** What is kept of an entry, to tell another one from it. */
export type Known = Pick<Entry, 'value' | 'modRevision' | 'lease'>

/** A value of more characters is known by its hash, which has no more than that in memory. */
const LONG = 32

/** Of a short one it is the entry itself, as that is kept by others anyway. */
export function knownOf(entry: Entry): Known {
  const { value, modRevision, lease } = entry
  return value.length > LONG ? { value: brief(value), modRevision, lease } : entry
}

/**
 * What a new list says that was not known: deletes, then puts in the order of their creation, as a watch from the
 * beginning would have told them (of names in clash the first counts).
 */
export function differences(known: ReadonlyMap<string, Known>, entries: Entry[]): Change[] {
  const keys = new Set(entries.map((entry) => entry.key))
  const changes: Change[] = []
  for (const key of known.keys())
    if (!keys.has(key)) changes.push({ type: 'delete', key, seen: false })
  const news = entries.filter((entry) => !isKnown(known.get(entry.key), entry))
  for (const entry of news.sort(byCreation)) changes.push({ type: 'put', entry })
  return changes
}

/** Values too: a restored etcd can reach an old revision number with another value. */
function isKnown(known: Known | undefined, { value, modRevision, lease }: Entry): boolean {
  if (known?.modRevision !== modRevision || known.lease !== lease) return false
  return known.value === (value.length > LONG ? brief(value) : value)
}

function brief(value: string): string {
  return createHash('sha256').update(value).digest('base64').slice(0, LONG)
}

function byCreation(a: Entry, b: Entry): number {
  return Number(BigInt(a.createRevision) - BigInt(b.createRevision))
}
