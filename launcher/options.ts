import type { Logger } from 'pino'
import type { Catalog } from './catalog.ts'
import type { Engine, Engines } from './engine.ts'
import type { PageTemplates } from './gate/page.ts'
import type { RoomStore } from './place/reservation.ts'
import type { Hook } from './wake/available.ts'
import type { Lease } from './wake/claim.ts'
import type { Reach } from './wake/living.ts'
import type { NetworkPolicy } from './wake/network.ts'
import type { Meter } from './wake/starts.ts'
import type { UseStore } from './wake/use.ts'
import type { ClaimStore } from './wake/withdrawal.ts'

/** What a launcher is made of and how it behaves. */
export interface LauncherOptions {
  id: string
  catalog: Catalog
  store: ClaimStore & RoomStore & UseStore
  session: Lease
  /** lease of the run of this launcher before this one, null if none is known to be over */
  earlier?(): string | null
  engines: Engines<Engine>
  reach: Reach
  hook: Hook | null
  templates: PageTemplates
  /** proves a cookie that names an app; null where they are not signed */
  isSigned?: ((app: string, cookie: string) => boolean) | null
  meter: Meter & { ask(answer: string): void }
  log: Logger
  health(): { ok: boolean; detail?: object }
  /** resolves when the catalog is complete */
  synced: Promise<void>
  settings: NetworkPolicy & {
    /** seconds */
    holdTimeout: number
    /** of registrars, seconds */
    leaseTtl: number
    /** seconds */
    drainTimeout: number
    /** milliseconds */
    pageAfter: number
    reasons: 'full' | 'short'
    heldPerApp: number
    heldPerClient: number
    heldTotal: number
    overcommit: number
    cpuOvercommit: number
    instancesPerHost: number
    startsPerHost: number
    /** milliseconds */
    availableTimeout: number
    registries: readonly string[]
    proveRoutes: 'on' | 'off'
  }
}
