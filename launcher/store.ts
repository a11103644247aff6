import type { App } from '../model/app.ts'
import type { Blueprint } from '../model/blueprint.ts'
import { canonical } from '../model/name.ts'
import { Collection, type CollectionOptions, type Kind } from './collection.ts'

/** The Apps in etcd; names are unique ignoring case. */
export function openApps(options: CollectionOptions): Collection<App> {
  const kind: Kind<App> = {
    kind: 'app',
    fold: canonical,
    records: (state) => state.apps,
    app: (app) => ({ path: '', app }),
  }
  return new Collection(kind, options)
}

/** The Blueprints in etcd. */
export function openBlueprints(options: CollectionOptions): Collection<Blueprint> {
  const kind: Kind<Blueprint> = {
    kind: 'blueprint',
    fold: (name) => name,
    records: (state) => state.blueprints,
    app: ({ app }) => ({ path: 'app.', app }),
  }
  return new Collection(kind, options)
}
