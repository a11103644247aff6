import type { App } from '../../model/app.ts'
import { canonical } from '../../model/name.ts'
import type { Collection, Store } from '../collection.ts'
import type { Instance } from '../fleet.ts'
import type { ApiOptions } from './options.ts'
import { exitsOf, missingOf, readUse, type Shown, stateOf, withExit } from './status.ts'

export interface ShownOptions extends Pick<ApiOptions, 'catalog' | 'control'> {
  apps: Pick<Collection<App>, 'get' | 'list'>
  store: Pick<Store, 'get' | 'list'>
}

/** The stored apps, and those of blueprints that are among `instances`, by name; `uses` as {@link lastUses} has them. */
export function showAll(
  instances: Instance[],
  uses: ReadonlyMap<string, string>,
  options: ShownOptions,
): Shown[] {
  const exits = exitsOf(instances)
  const stored = options.apps.list().map(({ value }) => value)
  return [...stored, ...derived(instances, options)]
    .map((app) => withExit(show(app, readUse(uses.get(canonical(app.name))), options), exits))
    .sort((a, b) => (a.name < b.name ? -1 : 1))
}

/** An App, stored or made by a blueprint, with how it is. */
export async function showOne(app: App, options: ShownOptions): Promise<Shown> {
  return show(app, await lastUse(app.name, options), options)
}

/** An App with how it is. */
function show(app: App, lastUsed: string | null, options: ShownOptions): Shown {
  const { apps, catalog, control } = options
  const blueprint = catalog.derive(app.name)?.blueprint
  const origin =
    blueprint === undefined ? apps.get(app.name) : catalog.state.blueprints.get(blueprint)
  const status = {
    ...stateOf(app.name, catalog, control),
    ...missingOf(app, catalog),
    ...(blueprint !== undefined && { blueprint }),
    lastUsed,
    revision: origin?.entry.modRevision ?? '0',
  }
  return { ...app, status }
}

/** The apps of blueprints that run or ran: of no others it is known that there are any. */
function derived(instances: Instance[], { catalog }: ShownOptions): App[] {
  const names = new Set(instances.map(({ app }) => canonical(app)))
  return [...names].flatMap((name) => catalog.derive(name)?.app ?? [])
}

async function lastUse(name: string, { catalog, store }: ShownOptions): Promise<string | null> {
  const key = catalog.keys.named('activity', canonical(name))
  return readUse((await store.get(key).catch(() => null))?.value)
}

/** Last use by canonical name, as gateways wrote it. Nothing where etcd does not answer: the list works without. */
export async function lastUses({ catalog, store }: ShownOptions): Promise<Map<string, string>> {
  const folder = catalog.keys.folder('activity')
  const { entries } = await store.list(folder).catch(() => ({ entries: [] }))
  return new Map(entries.map(({ key, value }) => [canonical(key.slice(folder.length)), value]))
}
