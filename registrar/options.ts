import type { Logger } from 'pino'
import type { Container, EngineEvent } from '../model/container.ts'
import type { Keys } from '../model/key.ts'
import type { Entry } from '../model/state.ts'
import type { Exec } from './commands.ts'
import type { EndpointStore } from './endpoint-store.ts'
import type { FleetOptions } from './fleet.ts'
import type { HostFacts } from './host.ts'
import type { Asking } from './readiness.ts'
import type { SandboxEngine } from './sandboxes.ts'
import type { ClaimStore, SleepResult, Standing } from './sleep-ports.ts'

/** What the engine is followed for. */
export interface Listener {
  /** All containers of ours. Events that come meanwhile wait until it resolves. */
  onList(containers: Container[]): Promise<void>
  onEvent(event: EngineEvent): void
  /** The engine answers and its events are followed, or no longer so: `reason` says why. Told on changes only. */
  onChange(up: boolean, reason: string): void
}

/** The engine of this host. */
export interface HostEngine extends Pick<Asking, 'healthcheck'>, SandboxEngine {
  /** Tells of all containers of ours and what becomes of them, over any break, until `signal` aborts. */
  follow(listener: Listener, signal: AbortSignal): Promise<void>
  exec: Exec
  imageLabels: FleetOptions['engine']['imageLabels']
  info(): Promise<HostFacts>
  pause(id: string): Promise<void>
  remove(id: string): Promise<void>
  groups: { dropNetwork(group: string): Promise<void> }
}

/** etcd as this service uses it. */
export interface RegistrarStore extends EndpointStore, ClaimStore {
  get(key: string): Promise<Entry | null>
  remove(key: string, options: { modRevision?: string; lease?: string }): Promise<string | null>
}

/** Counts for those who watch this process. */
export interface Meter {
  ready(seconds: number): void
  wrote(change: 'registered' | 'removed' | 'conflict', seconds?: number): void
  slept(result: SleepResult): void
  engine(up: boolean): void
}

export interface RegistrarOptions {
  /** name of this host in the cluster */
  name: string
  /** what tells this machine from others of that name */
  incarnation: string
  keys: Keys
  engine: HostEngine
  /** where launchers reach the engine */
  engineUrl: string
  /** what apps may ask of this host */
  labels: Record<string, string>
  /** bytes free below a folder of the engine, null if it is not on this machine */
  space(folder: string): Promise<number | null>
  /** IP address of the instances as set, '' for that of the engine's bridge */
  address: string
  probe: Pick<Asking, 'tcp' | 'http'>
  store: RegistrarStore
  standing: Standing & { check(): void }
  /** open connections of an instance, null if its process cannot be seen from here */
  connections(listener: { pid: number; port: number; published: number }): Promise<number | null>
  /** seconds */
  leaseTtl: number
  /** seconds */
  drainTimeout: number
  /** so many stopped instances keep their sandbox, and with it their address; undefined: as the engine's memory allows */
  sandboxes: number | undefined
  /** Whether all changes in etcd arrive here right now. */
  isInformed(): boolean
  meter: Meter
  log: Logger
}
