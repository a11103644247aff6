import type { App } from '../../model/app.ts'
import { canonical } from '../../model/name.ts'
import type { Catalog, Change } from '../catalog.ts'

/** Slots that run: a set of them, or a map by them. */
export interface Running {
  readonly size: number
  has(slot: number): boolean
  keys(): Iterable<number>
}

/**
 * Which slots of an app should run but do not: those below `min` always, the other replicas while the app is in use.
 * An app that sleeps is in no use, whoever asked for it a moment ago; one that lost all it had with a host is. Pure.
 * @param used seconds since its last use, or null if it was not used in our sight
 * @param lost whether its last instances ended with their host
 */
export function missingSlots(
  app: App,
  running: Running,
  used: number | null,
  lost = false,
): number[] {
  const inUse = (running.size > 0 || lost) && used !== null && used <= app.idleAfter / 2
  const wanted = inUse ? app.replicas : app.min
  const missing: number[] = []
  for (let slot = 0; slot < wanted; slot++) if (!running.has(slot)) missing.push(slot)
  return missing
}

/** Which slots run that the App does not have, in the order in which they go: the last first. Pure. */
export function surplusSlots(app: App, running: Running): number[] {
  const surplus: number[] = []
  for (const slot of running.keys()) if (slot >= app.replicas) surplus.push(slot)
  return surplus.sort((a, b) => b - a)
}

/**
 * Canonical names of the apps that a batch took Endpoints from because their host went: its lease took both, in one
 * revision. What a list only misses may be gone with etcd's data, and what is put to sleep is meant to be gone.
 */
export function lostApps(batch: readonly Change[], catalog: Catalog): Set<string> {
  const gone = batch.flatMap((change) => {
    const key = change.type === 'delete' && change.seen ? catalog.keys.parse(change.key) : null
    return key ? [key] : []
  })
  const names = new Set<string>()
  if (!gone.some(({ kind }) => kind === 'host')) return names
  for (const key of gone)
    if (key.kind === 'endpoint' && catalog.claim(key.app, key.slot)?.value.action !== 'sleep')
      names.add(canonical(key.app))
  return names
}
