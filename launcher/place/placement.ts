import type { App } from '../../model/app.ts'
import type { Catalog } from '../catalog.ts'
import type { Engines } from '../engine.ts'
import { pinOf, whyDrained } from './drained.ts'
import type { Homes } from './home.ts'
import { look } from './look.ts'
import { type Candidate, judge, place, type Rules, type Sight, type Verdict } from './place.ts'
import type { Room } from './room.ts'
import { whyTaken } from './taken.ts'

export interface PlacementOptions {
  catalog: Catalog
  engines: Engines
  room: Room
  homes: Pick<Homes, 'narrow'>
}

/** What else speaks against a host, or null. */
export type Barred = (sight: Sight) => string | null

/** Where slots can go right now: what engines say, joined with what is promised by then. Changes nothing. */
export class Placement {
  readonly #options: PlacementOptions

  constructor(options: PlacementOptions) {
    this.#options = options
  }

  /** Asks every engine for the slot's container. Takes at most about a second while one answers. Never throws. */
  async look(app: App, slot: number): Promise<Sight[]> {
    const { catalog, engines, homes } = this.#options
    return await homes.narrow(app, await look(app, slot, catalog, engines))
  }

  /** Whether a slot could go to another host than `current`, as far as is known without asking its engine. */
  async hasChoice(app: App, slot: number, current: string, barred: Barred): Promise<boolean> {
    const { catalog, homes } = this.#options
    const sights = [...catalog.state.hosts.values()]
      .filter(({ value }) => value.name !== current)
      .map(({ value }): Sight => ({ host: value, container: null, trouble: null }))
    return this.place(app, slot, await homes.narrow(app, sights), barred).ok
  }

  /**
   * Where a slot goes by what was seen, or why nowhere. `barred` comes on top of what always holds. Without what
   * is paused, that counts as if it were stopped.
   */
  place(
    app: App,
    slot: number,
    sights: readonly Sight[],
    barred: Barred,
    { withPaused = true } = {},
  ): ReturnType<typeof place> {
    return place(app, this.#candidates(app, slot, sights, withPaused), this.#rules(app, barred))
  }

  /** What speaks for and against each host, the one to be taken first. */
  async judge(app: App, slot: number): Promise<Verdict[]> {
    const sights = await this.look(app, slot)
    return judge(
      app,
      this.#candidates(app, slot, sights),
      this.#rules(app, () => null),
    )
  }

  #candidates(app: App, slot: number, sights: readonly Sight[], withPaused = true): Candidate[] {
    const hosts = sights.map(({ host }) => host)
    const occupancy = this.#options.room.occupancy(hosts, app.name, slot, withPaused)
    const none = { promised: { memory: 0, cpus: 0, instances: 0 }, siblings: 0 }
    return sights.map((sight) => ({ ...sight, ...(occupancy.get(sight.host.name) ?? none) }))
  }

  #rules(app: App, barred: Barred): Rules {
    const { catalog, room } = this.#options
    const { hosts, drains, homes, endpoints } = catalog.state
    const pinned = pinOf(app, homes)
    return {
      limit: (host) => room.limit(host),
      barred: (sight) =>
        (hosts.has(sight.host.name) ? null : 'is gone') ??
        whyDrained(sight, drains, pinned) ??
        whyTaken(app, sight.host, endpoints) ??
        barred(sight),
    }
  }
}
