import type { App } from '../../model/app.ts'
import { formatEndpoint } from '../../model/endpoint.ts'
import { canonical } from '../../model/name.ts'
import type { Catalog } from '../catalog.ts'
import type { Instance } from '../fleet.ts'
import type { Control } from './control.ts'
import type { Status } from './schema.ts'

/** How an app is right now, from memory. */
export function stateOf(
  name: string,
  catalog: Catalog,
  control: Control,
): Pick<Status, 'state' | 'phase' | 'slots'> {
  const slots = [...catalog.state.slots(name)]
    .sort(([a], [b]) => a - b)
    .map(([slot, { value }]) => ({ slot, endpoint: formatEndpoint(value) }))
  if (slots.length > 0) return { state: 'ready', slots }
  const progress = control.progress(name)
  if (progress && progress.phase !== 'failed' && progress.phase !== 'ready')
    return { state: 'starting', phase: progress.phase, slots }
  const app = catalog.find(name)
  const claim = app && catalog.claim(app.name, 0)
  if (!claim) return { state: 'asleep', slots }
  return { state: claim.value.action === 'wake' ? 'starting' : 'stopping', slots }
}

/** What an app depends on and nobody has added yet; nothing if that is all there. */
export function missingOf({ dependsOn }: App, catalog: Catalog): Pick<Status, 'missing'> {
  const missing = dependsOn.filter((name) => catalog.find(name) === null)
  return missing.length > 0 ? { missing } : {}
}

/** When gateways saw the app being used, as they wrote it to etcd; null where that makes no sense. */
export function readUse(value: string | undefined): string | null {
  const time = value === undefined ? Number.NaN : Date.parse(value)
  return Number.isNaN(time) ? null : new Date(time).toISOString()
}

/** How the last runs ended of apps that crashed, by canonical name. */
export function exitsOf(instances: readonly Instance[]): Map<string, number> {
  const exits = new Map<string, number>()
  for (const { app, state, exitCode } of instances) {
    const name = canonical(app)
    if (state === 'exited' && exitCode !== null && !exits.has(name)) exits.set(name, exitCode)
  }
  return exits
}

/** Adds how the last run of an app ended, where it sleeps because that run crashed. */
export function withExit(shown: Shown, exits: ReadonlyMap<string, number>): Shown {
  const exitCode = exits.get(canonical(shown.name))
  if (shown.status.state !== 'asleep' || exitCode === undefined) return shown
  return { ...shown, status: { ...shown.status, exitCode } }
}

/** An App with its status, as the API shows it. */
export type Shown = App & { status: Status }
