import type { App } from '../model/app.ts'
import type { Endpoint } from '../model/endpoint.ts'
import { ProblemError } from '../model/problem.ts'
import type { Progress } from '../model/progress.ts'
import { type Catalog, HOSTS } from './catalog.ts'
import type { Claims, WakeClaim } from './claim.ts'
import { pinOf, whyDrained } from './drained.ts'
import { codeOf, type Engine, type Engines } from './engine.ts'
import { etcdAway } from './failure.ts'
import type { Homes } from './home.ts'
import type { Launchpad } from './launch.ts'
import { look } from './look.ts'
import { type Candidate, isUp, place, type Sight } from './place.ts'
import { Stuck, waitReady } from './ready.ts'
import { revisionOf } from './revision.ts'
import type { Room } from './room.ts'
import type { Stopwatch } from './stopwatch.ts'

/** One start of one slot. */
export interface Run {
  app: App
  slot: number
  /** wait for others who change the slot, or give up at once */
  patient: boolean
  report(step: Omit<Progress, 'app'>): void
  watch: Stopwatch
  signal: AbortSignal
  /** whether the App is still to be started as it is; by default while it is the one that is stored */
  isWanted?(): boolean
}

export interface StarterOptions {
  catalog: Catalog
  claims: Claims
  engines: Engines
  launchpad: Launchpad
  room: Room
  homes: Homes
}

/** How long a wake waits for a host that can be used, milliseconds: registrars start beside us, engines restart. */
const HOST_LIMIT = 10_000
/** How often engines that failed are asked again, milliseconds. */
const AGAIN = 250
/** How an engine answers about a container that vanished or appeared between our look and our call. */
const MOVED: ReadonlySet<string> = new Set(['not-found', 'name-taken', 'conflict'])

/** Brings slots up: claim, place, launch, wait for the Endpoint. */
export class Starter {
  readonly #options: StarterOptions

  constructor(options: StarterOptions) {
    this.#options = options
  }

  /**
   * Brings a slot up and returns its Endpoint; null if somebody else has the slot and the run is not patient.
   * Throws ProblemError or the engine's error; the claim is given back in every case.
   */
  async start(run: Run): Promise<Endpoint | null> {
    const { app, slot } = run
    const { catalog, claims } = this.#options
    // Looking changes nothing, so it need not wait for the claim.
    const looking = this.#look(run)
    const claim = await claims.acquire(app.name, slot, run)
    if (claim === 'busy') return null
    if (claim === 'running') return catalog.endpoint(app.name, slot)
    let cleanup: Promise<void> = Promise.resolve()
    const stop = (engine: Engine, id: string): void => {
      cleanup = engine.stop(id, app.stopTimeout).catch(() => {})
    }
    try {
      const sights = await this.#usable(run, claim.contested ? this.#look(run) : looking)
      try {
        return await this.#run(run, claim, sights, stop)
      } catch (error) {
        if (!MOVED.has(codeOf(error))) throw error
        return await this.#run(run, claim, await this.#look(run), stop)
      }
    } finally {
      // Those who wait are answered first. And who comes next must not find a container that is being stopped.
      setImmediate(() => void cleanup.then(() => claim.release()))
    }
  }

  async #look({ app, slot }: Run): Promise<Sight[]> {
    const { catalog, engines, homes } = this.#options
    return await homes.narrow(app, await look(app, slot, catalog, engines))
  }

  /** What was seen, or is seen later where there is no host yet or every engine is too busy to answer. */
  async #usable(run: Run, first: Promise<Sight[]>): Promise<Sight[]> {
    const { catalog } = this.#options
    const until = performance.now() + HOST_LIMIT
    for (let looking = first; ; looking = this.#look(run)) {
      const sights = await looking
      const usable = sights.some(({ trouble }) => trouble === null)
      const left = until - performance.now()
      if (usable || left <= 0) return sights
      const known = catalog.state.hosts.size
      const another = (): true | null => (catalog.state.hosts.size > known ? true : null)
      const wait = known > 0 ? Math.min(left, AGAIN) : left
      await catalog.whenWithin(HOSTS, another, wait, run.signal)
    }
  }

  /** What was seen, with how full each host is by now. */
  #candidates({ app, slot }: Run, sights: Sight[]): Candidate[] {
    const hosts = sights.map(({ host }) => host)
    const occupancy = this.#options.room.occupancy(hosts, app.name, slot)
    const empty = { promised: { memory: 0, cpus: 0, instances: 0 }, siblings: 0 }
    return sights.map((sight) => ({ ...sight, ...(occupancy.get(sight.host.name) ?? empty) }))
  }

  async #run(
    run: Run,
    claim: WakeClaim,
    sights: Sight[],
    stop: (engine: Engine, id: string) => void,
  ): Promise<Endpoint> {
    const { app, slot, watch, report, signal } = run
    const { catalog, engines, launchpad, room, homes } = this.#options
    const pinned = pinOf(app, catalog.state.homes)
    const placed = place(app, this.#candidates(run, sights), {
      limit: (host) => room.limit(host),
      barred: (sight) => whyDrained(sight, catalog.state.drains, pinned),
    })
    if (!placed.ok)
      throw new ProblemError('unavailable', { app: app.name, detail: placed.reason, retryAfter: 5 })
    const { host, container } = placed.chosen
    const hold = await homes.hold(app, host.name, signal)
    const engine = engines.at(host.engine)
    const up = isUp(container)
    let id = container?.id ?? ''
    const giveBack = up ? () => {} : room.take(app, slot, host)
    try {
      if (!up) {
        const place = {
          app,
          slot,
          host,
          engine,
          container,
          hold,
          claim,
          isCurrent: run.isWanted ?? (() => isCurrent(app, catalog)),
        }
        id = await launchpad.launch({ ...place, report, watch, signal })
      }
      report({ phase: 'waiting', detail: waitedFor(app) })
      try {
        return await waitReady({ app, slot, engine, id, report }, catalog, signal)
      } catch (error) {
        if (!(error instanceof Stuck)) throw error
        // Without etcd nobody could register it: that says nothing about the app, and it may be another's to stop.
        if (!claim.valid()) throw etcdAway(app.name)
        stop(engine, id)
        throw error
      } finally {
        watch.lap('wait')
      }
    } finally {
      giveBack()
    }
  }
}

function isCurrent(app: App, catalog: Catalog): boolean {
  const now = catalog.find(app.name)
  return now !== null && revisionOf(now) === revisionOf(app)
}

function waitedFor(app: App): string {
  if (app.health.type === 'http') return `waiting for ${app.health.path} to answer`
  if (app.health.type === 'command') return 'waiting for its health command'
  if (app.health.type === 'image') return 'waiting for its HEALTHCHECK'
  return `waiting for port ${app.port} to answer`
}
