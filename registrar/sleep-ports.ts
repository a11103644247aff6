import type { Logger } from 'pino'
import type { Keys } from '../model/key.ts'
import type { Depth } from '../model/sleep.ts'
import type { Cluster } from './cluster.ts'
import type { EndpointStore } from './endpoint-store.ts'
import type { Fleet } from './fleet.ts'
import type { ReleaseStore } from './release.ts'
import type { Member } from './roster.ts'

/** etcd, as far as claims are written: as Endpoints are, but released by {@link ReleaseStore}. */
export interface ClaimStore extends ReleaseStore, Pick<EndpointStore, 'create' | 'replace'> {}

/** Whether, and under which lease, this process may change the cluster right now. */
export interface Standing {
  readonly lease: string | null
  valid(): boolean
}

/** What is done to an instance. fold: its sandbox is stopped too, so that it keeps neither address nor port. */
export type Rest = Depth | 'fold'

export interface SleepPorts {
  store: ClaimStore
  standing: Standing
  fleet: Pick<Fleet, 'drain' | 'undrain' | 'refresh'>
  cluster: Cluster
  keys: Keys
  log: Logger
  /** open connections to the instance, however they came */
  connections(member: Member): Promise<number>
  /** Pauses, stops or removes its container, or folds its sandbox. */
  layDown(member: Member, how: Rest): Promise<void>
  /** name of this host */
  host: string
  /** Resolves when the record of this host says what is paused here, or some moments later. Does not throw. */
  tellPaused(signal: AbortSignal): Promise<void>
  /** unique text for a claim of this process */
  newOwner(): string
  now(): Date
}

/**
 * slept; taken-back: a wake took the claim over; in-use: it is used after all; busy: somebody else changes the slot;
 * unsure: etcd or the engine failed us, nothing was done that is not undone.
 */
export type SleepResult = 'slept' | 'taken-back' | 'in-use' | 'busy' | 'unsure'
