import type { Entry } from '../model/state.ts'
import { Backoff, pause } from './pause.ts'
import type { Standing } from './sleep-ports.ts'

/** etcd, as far as a claim is given back. */
export interface ReleaseStore {
  get(key: string): Promise<Entry | null>
  remove(key: string, options: { modRevision: string }): Promise<string | null>
}

/** Milliseconds after which a write whose answer was lost has happened, or never will: longer than any call lasts. */
const SETTLED = 5_000

/**
 * Gives a claim back, however often etcd fails at it: a claim left under a lease that lives on would keep its app
 * asleep for ever. Resolves when the claim is not ours any more, by etcd's own word or because its lease is gone.
 * Once `signal` aborts, one more try is all: the process ends, its claims end with the lease. Does not throw.
 * @param isUnsure a write of ours may still be on its way to etcd: that the claim is not there now is no proof
 */
export async function letGo(
  { store, standing }: { store: ReleaseStore; standing: Standing },
  claim: { key: string; owner: string; lease: string },
  isUnsure: boolean,
  signal: AbortSignal,
): Promise<void> {
  const { key, owner, lease } = claim
  const backoff = new Backoff()
  const began = performance.now()
  do {
    try {
      const entry = await store.get(key)
      const isOurs = entry?.value.includes(owner) ?? false
      if (!isOurs && (!isUnsure || performance.now() - began > SETTLED)) return
      if (entry && isOurs)
        if ((await store.remove(key, { modRevision: entry.modRevision })) !== null) return
    } catch {
      // etcd is away or slow just now: asked again
    }
    await pause(backoff.next(), signal)
  } while (standing.lease === lease && !signal.aborted)
}
