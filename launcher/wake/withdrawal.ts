import { setTimeout as pause } from 'node:timers/promises'
import { Claim } from '../../model/record.ts'
import type { Entry } from '../../model/state.ts'

/** What claims need of etcd. Each call has a deadline of its own and throws when etcd cannot be reached. */
export interface ClaimStore {
  get(key: string): Promise<Entry | null>
  create(
    key: string,
    value: string,
    options: { lease: string },
  ): Promise<{ won: boolean; holder: Entry | null; revision: string }>
  replace(
    key: string,
    value: string,
    options: { modRevision: string; lease?: string },
  ): Promise<string | null>
  remove(key: string, options?: { modRevision?: string }): Promise<string | null>
}

/** A claim of ours, or a try to write one whose answer was lost. */
export interface Written {
  key: string
  owner: string
  /** the lease it was written under: it vanishes with it */
  lease: string
  /** null where the answer was lost: it may be there, or come yet */
  modRevision: string | null
}

/** The longest pause between tries, milliseconds. */
const LONGEST = 2_000
/** A request whose answer was lost may still be on its way: this long after is looked again, milliseconds. */
const LATE = 1_000

/**
 * Takes a claim back: tries until etcd has answered, or the lease is no longer ours and the claim goes with it. A
 * claim of somebody else is left alone. Never throws.
 */
export async function withdraw(
  { key, owner, lease, modRevision }: Written,
  store: ClaimStore,
  session: { readonly lease: string | null },
): Promise<void> {
  let known = modRevision
  let absent = 0
  for (let delay = 50; session.lease === lease; delay = Math.min(delay * 2, LONGEST)) {
    try {
      if (known !== null) {
        if ((await store.remove(key, { modRevision: known })) !== null) return
        // Somebody else's, or changed by a promise of ours that was still under way. No other of ours can come after it.
        known = null
        absent = 1
      }
      const entry = await store.get(key)
      if (entry && ownerOf(entry) === owner) {
        if ((await store.remove(key, { modRevision: entry.modRevision })) !== null) return
      } else if (++absent === 2) return
      else delay = LATE
    } catch {
      absent = 0
    }
    await pause(delay)
  }
}

/** Whose claim an entry is; null if its value makes no sense. */
export function ownerOf(entry: Entry): string | null {
  try {
    return Claim.pick({ owner: true }).parse(JSON.parse(entry.value)).owner
  } catch {
    return null
  }
}
