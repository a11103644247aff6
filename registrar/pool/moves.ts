import type { Entry } from '../../model/entry.ts'
import { POOL_SLOTS } from '../../model/pool.ts'
import type { Leases } from '../endpoint-store.ts'

/** A write that brings etcd closer to what this process vouches for. */
export type Move =
  | { do: 'create'; key: string; value: string }
  | { do: 'replace'; key: string; value: string; modRevision: string }
  | { do: 'remove'; key: string; modRevision: string; lease: string }

/** Whose entries are whose. */
export interface KnownLeases extends Leases {
  present: string
  /** leases of others that nobody renews any more */
  stale: ReadonlySet<string>
}

/** One pool as it is to be and as it is. */
export interface Roll {
  /** host:port of each server that this process vouches for */
  wanted: ReadonlySet<string>
  /** what etcd has, by slot */
  seen: ReadonlyMap<number, Entry>
  /** the slot each server had last: it comes back to it if that is free */
  last: ReadonlyMap<string, number>
  keyOf(slot: number): string
}

/** Whether an entry is to be written anew under our lease, though it says what it should. */
function isToMove(entry: Entry, { present, own, stale }: KnownLeases): boolean {
  return entry.lease !== present && (own.has(entry.lease) || stale.has(entry.lease))
}

const rewrite = (entry: Entry, value = entry.value): Move => ({
  ...{ do: 'replace', key: entry.key, value, modRevision: entry.modRevision },
})
const drop = ({ key, modRevision, lease }: Entry): Move => ({
  do: 'remove',
  key,
  modRevision,
  lease,
})
const older = (a: Entry, b: Entry): number =>
  BigInt(a.createRevision) < BigInt(b.createRevision) ? -1 : 1

/**
 * What to write for a pool. A server that somebody vouches for is left to him, so that several processes may see the
 * same servers; it is taken over, in its slot, when he stops renewing his lease. Two that put one server in two slots at
 * the same moment keep the older entry. A server that does not fit in is in nobody's way: see {@link isFull}.
 */
export function movesOf(roll: Roll, leases: KnownLeases): Move[] {
  const { wanted, seen, last, keyOf } = roll
  const moves: Move[] = []
  const entries = [...seen.values()]
  const free = new Set(freeSlots(seen))
  const missing: string[] = []
  for (const address of wanted) {
    const [keeper, ...others] = entries.filter(({ value }) => value === address).sort(older)
    if (!keeper) missing.push(address)
    else if (isToMove(keeper, leases)) moves.push(rewrite(keeper))
    for (const entry of others) if (leases.own.has(entry.lease)) moves.push(drop(entry))
  }
  for (const entry of entries)
    if (leases.own.has(entry.lease) && !wanted.has(entry.value)) moves.push(drop(entry))
  const take = (address: string, slot: number): void => {
    free.delete(slot)
    moves.push({ do: 'create', key: keyOf(slot), value: address })
  }
  const newcomers = missing.filter((address) => {
    const slot = last.get(address)
    if (slot === undefined || !free.has(slot)) return true
    take(address, slot)
    return false
  })
  for (const address of newcomers) {
    const [slot] = free
    if (slot !== undefined) take(address, slot)
  }
  return moves
}

function freeSlots(seen: ReadonlyMap<number, Entry>): number[] {
  return Array.from({ length: POOL_SLOTS }, (_, slot) => slot).filter((slot) => !seen.has(slot))
}

/** Whether a server that is wanted has no slot to go to. */
export function isFull({ wanted, seen }: Pick<Roll, 'wanted' | 'seen'>): boolean {
  if (freeSlots(seen).length > 0) return false
  const values = new Set([...seen.values()].map(({ value }) => value))
  return [...wanted].some((address) => !values.has(address))
}

/** What to write for the record of a pool: none where somebody else who lives says something of it. */
export function recordMoves(
  { key, wanted, seen }: { key: string; wanted: string; seen: Entry | null },
  leases: KnownLeases,
): Move[] {
  if (!seen) return [{ do: 'create', key, value: wanted }]
  const isOurs = leases.own.has(seen.lease) || leases.stale.has(seen.lease)
  const isRight = seen.value === wanted && seen.lease === leases.present
  return isOurs && !isRight ? [rewrite(seen, wanted)] : []
}
