import type { Logger } from 'pino'
import { GROUP_LABEL, isBound, scopeOf } from '../../model/group.ts'
import { APP_LABEL } from '../../model/label.ts'
import { canonical } from '../../model/name.ts'
import type { Home } from '../../model/record.ts'
import type { Held } from '../../model/state.ts'
import type { Catalog } from '../catalog.ts'
import type { Fleet } from '../fleet.ts'
import type { ClaimStore } from '../wake/withdrawal.ts'
import type { Grounds } from './ground.ts'

export interface VacanciesOptions {
  catalog: Catalog
  fleet: Pick<Fleet, 'containers'>
  engines: { at(url: string): { groups: Pick<Grounds, 'hasVolume'> } }
  store: Pick<ClaimStore, 'remove'>
  log: Pick<Logger, 'info' | 'debug'>
}

/** How often it is looked for homes that nobody lives in, milliseconds. */
const EVERY = 10 * 60_000

/**
 * Collects homes that nobody lives in. Every name of a blueprint that was ever visited may have left one: its start
 * failed, or its container was removed by hand or when its host was emptied. A home is vacant if its host answers, no
 * host has a container of it, nobody changes one of its slots, and either it keeps no volume, or none of its volumes is
 * left and no App could name them: for an App, a volume that is gone is a loss to be told of, not to be tidied up.
 */
export class Vacancies {
  readonly #options: VacanciesOptions
  #timer: NodeJS.Timeout | null = null

  constructor(options: VacanciesOptions) {
    this.#options = options
  }

  start(): void {
    const { log } = this.#options
    const collect = (): void =>
      void this.collect().catch((error) =>
        log.debug({ error: String(error) }, 'homes not looked at'),
      )
    this.#timer = setInterval(collect, EVERY)
  }

  stop(): void {
    if (this.#timer) clearInterval(this.#timer)
    this.#timer = null
  }

  /** Removes what is vacant now; returns whose homes that were. Throws if etcd does not answer. */
  async collect(): Promise<string[]> {
    const { catalog, fleet, store, log } = this.#options
    const { homes } = catalog.state
    // Seen before the containers are: who comes to live there meanwhile writes its home anew.
    const busy = this.#busy()
    const seen = [...homes].filter(([scope]) => !busy.has(scope))
    if (seen.length === 0) return []
    const inhabited = new Set<string>()
    const engines = new Map<string, string>()
    for (const [host, containers] of await fleet.containers('patient')) {
      if (containers) engines.set(host.name, host.engine)
      for (const { labels } of containers ?? [])
        inhabited.add(canonical(labels[GROUP_LABEL] ?? labels[APP_LABEL] ?? ''))
    }
    const removed: string[] = []
    for (const [scope, held] of seen) {
      const engine = engines.get(held.value.host)
      if (engine === undefined || inhabited.has(scope)) continue
      if (await this.#keepsData(scope, held, engine)) continue
      const { key, modRevision } = held.entry
      if ((await store.remove(key, { modRevision })) !== null) removed.push(scope)
    }
    if (removed.length > 0)
      log.info({ homes: removed.slice(0, 20), count: removed.length }, 'vacant homes removed')
    return removed
  }

  /** Those of which somebody changes a slot: a start has its home before it has a container. */
  #busy(): Set<string> {
    const { catalog } = this.#options
    const busy = new Set<string>()
    for (const text of catalog.state.claims.keys()) {
      const key = catalog.keys.parse(text)
      if (key?.kind !== 'claim') continue
      const app = catalog.find(key.app)
      busy.add(app ? scopeOf(app) : canonical(key.app))
    }
    return busy
  }

  async #keepsData(scope: string, { value }: Held<Home>, engine: string): Promise<boolean> {
    if (value.volumes.length === 0) return false
    if (this.#isNamed(scope)) return true
    const { groups } = this.#options.engines.at(engine)
    const isThere = (volume: string): Promise<boolean> =>
      groups.hasVolume(scope, volume).catch(() => true)
    return (await Promise.all(value.volumes.map(isThere))).some(Boolean)
  }

  /** Whether an App has it, or a blueprint might make one: of a group it cannot be told for which name. */
  #isNamed(scope: string): boolean {
    const { apps, blueprints } = this.#options.catalog.state
    for (const { value } of apps.values())
      if (isBound(value) && scopeOf(value) === scope) return true
    for (const { value } of blueprints.values()) if (value.app.group !== undefined) return true
    const derived = this.#options.catalog.derive(scope)?.app
    return derived !== undefined && isBound(derived)
  }
}
