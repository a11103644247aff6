import type { Catalog } from '../catalog.ts'
import type { Store } from '../collection.ts'
import type { Control, Engines } from './control.ts'

/** The part of a pino logger that is used here. */
export interface Log {
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
  error(fields: object, message: string): void
}

/** What a launcher gives its private API. */
export interface ApiOptions {
  /** address:port the API will listen on; Host headers are held against it */
  listen: string
  /** further host names it answers to (setting apiHosts) */
  hosts?: readonly string[]
  token: string
  /** registries images may come from (setting registries) */
  registries: readonly string[]
  /** whether apps may have the network of their host (setting hostNetwork) */
  hostNetwork: 'on' | 'off'
  /** seconds a registrar lets open requests finish (setting drainTimeout) */
  drainTimeout?: number
  /** id of this launcher */
  id: string
  catalog: Catalog
  /** resolves when the catalog is complete */
  synced: Promise<void>
  store: Store
  /** the launcher's session with etcd */
  session: { readonly lease: string | null }
  /** the other launchers; none unless given */
  others?: { know(revision: string): Promise<void> } | undefined
  control: Control
  engines: Engines
  /** told each sleep, restart and removal: `done`, or the code of the problem */
  onSleep?(result: string): void
  health(): { ok: boolean; detail?: object }
  metrics: { readonly contentType: string; metrics(): Promise<string> }
  log: Log
}
