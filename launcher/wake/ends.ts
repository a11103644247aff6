import type { Catalog, Change } from '../catalog.ts'
import { type Backoff, slotKey } from './backoff.ts'

/** Tells the back-off which apps ended: asked to by a sleep, or by themselves. */
export function watchEnds(batch: readonly Change[], catalog: Catalog, backoff: Backoff): void {
  // A host that goes takes its Endpoints along when its lease ends: its registrar died, not the apps.
  const isHost = (change: Change): boolean =>
    change.type === 'delete' && catalog.keys.parse(change.key)?.kind === 'host'
  if (batch.some(isHost)) return
  for (const change of batch) {
    // One that is only missing from a list may have gone with etcd's data, not with its container.
    if (change.type !== 'delete' || !change.seen) continue
    const key = catalog.keys.parse(change.key)
    if (key?.kind !== 'endpoint') continue
    const asked = catalog.claim(key.app, key.slot)?.value.action === 'sleep'
    backoff.gone(slotKey(key.app, key.slot), asked, performance.now())
  }
}
