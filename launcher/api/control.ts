import type { App } from '../../model/app.ts'
import type { Container } from '../../model/container.ts'
import type { Endpoint } from '../../model/endpoint.ts'
import type { Progress } from '../../model/progress.ts'
import type { Grounds } from '../place/ground.ts'
import type { Verdict } from '../place/place.ts'
import type { Bring } from '../roll/exchange.ts'

/** What the API asks of the core that wakes apps. Names are taken ignoring case, stored or from a Blueprint. */
export interface Control {
  /**
   * Wakes an app, or joins the wake that is under way, until its slot 0 is ready. Aborting `signal` leaves the wake,
   * it does not cancel it for others. Throws ProblemError (`unknown-app`, `start-failed`, `backing-off`, ...).
   */
  wake(
    name: string,
    onProgress?: (progress: Progress) => void,
    signal?: AbortSignal,
  ): Promise<Endpoint>
  /**
   * Resolves when gateways lead to an app that is ready, or at once where that is not to be proven. What none leads to is
   * stopped: throws ProblemError `not-ready`.
   */
  prove(name: string): Promise<void>
  /** Brings one slot up, however long others change it. Throws ProblemError, or the engine's error. */
  bring(what: Bring): Promise<Endpoint>
  /** What speaks for and against each host as a place for a slot, the one it would go to first. Starts nothing. */
  judge(app: App, slot: number): Promise<Verdict[]>
  /** Where the wake of an app is; null if none is under way in this launcher. */
  progress(name: string): Progress | null
  /** Tells every step of every wake of this launcher. Returns how to stop listening. */
  onProgress(listener: (progress: Progress) => void): () => void
}

/** The part of an engine the API uses. Every call may fail or take long: the engine may hang. */
export interface Engine {
  /** resolves if it answers */
  ping(): Promise<void>
  /** our containers only, running or not */
  list(): Promise<Container[]>
  remove(id: string): Promise<void>
  groups: Pick<Grounds, 'dropNetwork' | 'hasVolume' | 'removeVolume'>
  /** the last `tail` lines, then, with `follow`, those to come, without line ends */
  logs(
    id: string,
    options: { tail: number; follow?: boolean; signal?: AbortSignal },
  ): AsyncIterable<string>
}

export interface Engines {
  /** The engine at an address, as Host records have it. Throws if it is none. */
  at(url: string): Engine
}
