import { randomUUID } from 'node:crypto'
import type { App } from '../../model/app.ts'
import type { Collection, Store } from '../collection.ts'
import { Fleet } from '../fleet.ts'
import { Estate } from '../place/estate.ts'
import { Homes } from '../place/home.ts'
import { reachable } from '../reachable.ts'
import { Sleeper } from '../sleep/sleep.ts'
import type { ClaimOptions } from '../sleep/slot.ts'
import { openApps } from '../store.ts'
import type { ApiOptions } from './options.ts'

/** What an API works with, out of what its launcher has. */
export interface Core {
  store: Store
  fleet: Fleet
  apps: Collection<App>
  claiming: ClaimOptions & Pick<ApiOptions, 'engines'> & { drainTimeout: number; store: Store }
  sleeper: Sleeper
}

export type CoreOptions = Pick<
  ApiOptions,
  | 'catalog'
  | 'control'
  | 'engines'
  | 'registries'
  | 'hostNetwork'
  | 'session'
  | 'others'
  | 'id'
  | 'store'
  | 'drainTimeout'
>

export function coreOf(options: CoreOptions): Core {
  const { catalog, control, engines, registries, hostNetwork, others, session, id } = options
  const store = reachable(options.store)
  const fleet = new Fleet({ catalog, engines })
  const apps = openApps({ catalog, store, registries, hostNetwork, others })
  const claiming = {
    ...{ catalog, engines, store, session },
    owner: () => `${id}/${randomUUID()}`,
    now: () => new Date(),
    drainTimeout: options.drainTimeout ?? 30,
  }
  const sleeper = new Sleeper({
    ...claiming,
    fleet,
    estate: new Estate({ catalog, homes: new Homes(catalog, store, engines), engines }),
    forget: (name, expected) => apps.remove(name, expected),
    wake: (name) => control.wake(name),
  })
  return { store, fleet, apps, claiming, sleeper }
}
