import { setImmediate as immediate } from 'node:timers/promises'
import type { App } from '../../model/app.ts'
import type { Endpoint } from '../../model/endpoint.ts'
import type { Progress } from '../../model/progress.ts'
import { HOSTS } from '../catalog.ts'
import type { Guesses } from '../place/guesses.ts'
import type { MakingRoom } from '../place/making-room.ts'
import type { Sight } from '../place/place.ts'
import type { Placeless } from '../place/placeless.ts'
import type { Placement } from '../place/placement.ts'
import { type AttemptOptions, begin } from './attempt.ts'
import type { Asking, Claims, WakeClaim } from './claim.ts'
import type { Dependencies } from './dependencies.ts'
import { Lost } from './fault.ts'
import { clear } from './leftover.ts'
import type { Stopwatch } from './stopwatch.ts'
import { Trip } from './trip.ts'

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

export interface StarterOptions extends AttemptOptions {
  claims: Claims
  placement: Placement
  guesses: Guesses
  placeless: Placeless
  makingRoom: Pick<MakingRoom, 'for'>
  dependencies: Pick<Dependencies, 'ready'>
}

/** How long a wake waits for a host that can be used, milliseconds: registrars start beside us, engines restart. */
const HOST_LIMIT = 10_000
/** How often engines that failed are asked again, milliseconds. */
const AGAIN = 250

/** Brings slots up: claim, place, launch, wait for the Endpoint; and on the next host where one fails. */
export class Starter {
  readonly #options: StarterOptions

  constructor(options: StarterOptions) {
    this.#options = options
  }

  /**
   * Brings a slot up and returns its Endpoint; null if somebody else has the slot and the run is not patient.
   * Throws ProblemError or the engine's error; the claim is given back in every case. Where the claim is lost before
   * anything is started under it, it is tried once more, as the next wake would.
   */
  async start(run: Run): Promise<Endpoint | null> {
    try {
      return await this.#start(run)
    } catch (error) {
      if (!(error instanceof Lost)) throw error
      // Who has the slot by now is waited for, and what they started is found.
      return await this.#start(run)
    }
  }

  async #start(run: Run): Promise<Endpoint | null> {
    const { app, slot } = run
    const { catalog, claims, placement, dependencies, placeless } = this.#options
    // Looking changes nothing, so it need not wait for the claim; but that takes longer, and leaves first.
    const looking = immediate().then(() => placement.look(app, slot))
    if (placeless.has(app, slot)) await this.#mustHavePlace(run, looking)
    const claim = await claims.acquire(app.name, slot, { ...run, ...this.#joining(run) })
    if (claim === 'busy') return null
    if (claim === 'running') return catalog.endpoint(app.name, slot)
    const trip = new Trip(run.app)
    try {
      // Under our claim: it keeps awake what is needed, from here on.
      const isOld = (await dependencies.ready(run)) || claim.contested
      const first = isOld ? placement.look(app, slot) : looking
      return await this.#travel(run, claim, trip, await this.#usable(run, first))
    } finally {
      // Those who wait are answered first. And who comes next must not find a container that is being stopped.
      setImmediate(() => void this.#leave(run, claim, trip))
    }
  }

  /** Where it is as good as known where the slot goes, its room is asked for with the claim. */
  #joining({ app, slot }: Run): Pick<Asking, 'join'> {
    const { guesses, reservations } = this.#options
    const host = guesses.of(app)
    return host ? { join: (claim) => reservations.join({ app, slot, host }, claim) } : {}
  }

  /**
   * Throws what a wake fails with that finds no place, and writes nothing before: whoever asks again and again for an app
   * that no host has room for would write a claim each time. A slot that is up, or that somebody changes, is left to the
   * claim.
   */
  async #mustHavePlace(run: Run, looking: Promise<Sight[]>): Promise<void> {
    const { app, slot, patient, signal } = run
    const { catalog, claims, placement } = this.#options
    const sights = await this.#usable(run, looking)
    const isFree = await claims.isFree(app.name, slot, signal)
    if (!isFree || catalog.endpoint(app.name, slot)) return
    const trip = new Trip(app)
    const placed = placement.place(app, slot, sights, trip.barred)
    if (placed.ok) return
    const withoutPaused = { withPaused: false }
    if (patient && placement.place(app, slot, sights, trip.barred, withoutPaused).ok) return
    throw trip.failure(placed.reason)
  }

  /** Tries one host after the other until the slot is up, or failed for a reason of its own. */
  async #travel(run: Run, claim: WakeClaim, trip: Trip, first: Sight[]): Promise<Endpoint> {
    const { app, slot, report } = run
    const { catalog, placement, makingRoom, guesses, placeless } = this.#options
    for (let sights = first; ; sights = await this.#usable(run, placement.look(app, slot))) {
      trip.sights = sights
      const running = catalog.endpoint(app.name, slot)
      if (running) return running
      const placed = placement.place(app, slot, sights, trip.barred)
      if (!placed.ok) {
        if (run.patient && (await makingRoom.for(run, sights, trip.barred))) continue
        if (trip.begun.size === 0) placeless.note(app, slot)
        throw trip.failure(placed.reason)
      }
      const { host } = placed.chosen
      const hasChoice = (): Promise<boolean> =>
        placement.hasChoice(app, slot, host.name, trip.barred)
      const begun = begin(
        {
          ...{ run, claim, chosen: placed.chosen, hasChoice },
          stop: (engine, id) => trip.stop(engine, id),
        },
        this.#options,
      )
      trip.went(host, begun)
      try {
        const endpoint = await begun.endpoint
        guesses.note(app, host)
        placeless.forget(app, slot)
        return endpoint
      } catch (error) {
        trip.failed(host, error)
        const reason = trip.barred({ host })
        if (reason === null) continue
        report({ phase: 'queued', detail: `${host.name} ${reason}` })
        if (await hasChoice()) await begun.undo()
      }
    }
  }

  /** What was seen, or is seen later where there is no host yet or every engine is too busy to answer. */
  async #usable({ app, slot, signal }: Run, first: Promise<Sight[]>): Promise<Sight[]> {
    const { catalog, placement } = this.#options
    const until = performance.now() + HOST_LIMIT
    for (let looking = first; ; looking = placement.look(app, slot)) {
      const sights = await looking
      const usable = sights.some(({ trouble }) => trouble === null)
      const left = until - performance.now()
      if (usable || left <= 0) return sights
      const known = catalog.state.hosts.size
      const another = (): true | null => (catalog.state.hosts.size > known ? true : null)
      const wait = known > 0 ? Math.min(left, AGAIN) : left
      await catalog.whenWithin(HOSTS, another, wait, signal)
    }
  }

  /** Gives the slot back, then clears away what is left of it on hosts that do not have it. */
  async #leave({ app, slot }: Run, claim: WakeClaim, trip: Trip): Promise<void> {
    const { catalog, engines, room } = this.#options
    await trip.cleanup
    claim.release()
    if (claim.seat) room.leave(claim.seat)
    const seen = trip.sights.filter(({ container }) => container !== null)
    const hosts = new Map([...seen, ...trip.begun.values()].map(({ host }) => [host.name, host]))
    for (const host of hosts.values()) {
      const begun = trip.begun.get(host.name)?.over ?? null
      void clear({ app, slot, host, begun }, catalog, engines)
    }
  }
}
