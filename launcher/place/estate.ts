import type { App } from '../../model/app.ts'
import { isBound, scopeOf } from '../../model/group.ts'
import { canonical } from '../../model/name.ts'
import { ProblemError } from '../../model/problem.ts'
import type { Catalog } from '../catalog.ts'
import { describe } from '../wake/failure.ts'
import { type Grounds, volumesOf } from './ground.ts'
import type { Homes } from './home.ts'

export interface EstateOptions {
  catalog: Catalog
  homes: Pick<Homes, 'release'>
  engines: { at(url: string): { groups: Pick<Grounds, 'removeVolume'> } }
}

/** What an app leaves behind when it is removed: its volumes, and where it lived. */
export class Estate {
  readonly #options: EstateOptions

  constructor(options: EstateOptions) {
    this.#options = options
  }

  /**
   * Removes the volumes of an app that is gone, if `volumes`, but for those that another app of its group has too, and
   * its home once nothing is left on the host. Writes what it did to `removal`. A host that is away keeps them.
   * Throws ProblemError `unavailable` if an engine would not remove one: it can be tried again.
   * @param present names of apps that have containers: those of blueprints are stored nowhere else
   */
  async settle(
    app: App,
    volumes: boolean,
    present: ReadonlySet<string>,
    removal: { volumes: number; unreachable: string[] },
  ): Promise<void> {
    if (!isBound(app)) return
    const { catalog, homes, engines } = this.#options
    const scope = scopeOf(app)
    const others = this.#others(app, present)
    const shared = new Set(others.flatMap(volumesOf))
    const home = catalog.state.homes.get(scope)?.value
    const made = new Set(home?.volumes)
    const doomed = volumes
      ? volumesOf(app).filter((volume) => made.has(volume) && !shared.has(volume))
      : []
    const host = home && catalog.state.hosts.get(home.host)?.value
    if (home && doomed.length > 0 && (!host || removal.unreachable.includes(host.name))) {
      if (!host) removal.unreachable.push(home.host)
    } else if (host)
      for (const volume of doomed)
        try {
          await engines.at(host.engine).groups.removeVolume(scope, volume)
          removal.volumes++
        } catch (error) {
          const detail = `volume ${volume} of ${scope} on ${host.name} could not be removed: ${describe(error)}`
          throw new ProblemError('unavailable', { app: app.name, detail })
        }
    await homes.release(scope, doomed, others.length === 0)
  }

  /** Other apps, stored or with containers, that use the same volumes or the same network. */
  #others(app: App, present: ReadonlySet<string>): App[] {
    const { catalog } = this.#options
    const names = new Set([...present, ...catalog.state.apps.keys()].map(canonical))
    names.delete(canonical(app.name))
    return [...names]
      .flatMap((name) => catalog.find(name) ?? [])
      .filter((other) => isBound(other) && scopeOf(other) === scopeOf(app))
  }
}
