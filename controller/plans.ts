import { Directory } from '../model/directory.ts'
import { formatEndpoint } from '../model/endpoint.ts'
import type { Keys } from '../model/key.ts'
import { canonical } from '../model/name.ts'
import type { Rejection, State } from '../model/state.ts'
import { award, ownersOf } from './award.ts'
import { contest } from './contest.ts'
import {
  type AppPlan,
  type GatewayPlan,
  planFrame,
  planGateway,
  type Surroundings,
} from './plan.ts'
import { planApp } from './plan-app.ts'

/** What is not of one app alone: it takes a look at all there is. */
interface Common {
  /** the plan without apps */
  frame: GatewayPlan
  /** addresses and routes that belong to somebody else */
  lost: Rejection[]
  /** addresses that launchers have or want */
  launchers: ReadonlySet<string>
}

/**
 * What is planned of a state that changes. Most changes are of one app alone, which is planned anew then and nothing else.
 * What others may have to do with (a launcher, a blueprint, a route, an address that a launcher wants, too) has all planned
 * anew.
 */
export class Plans {
  readonly #state: State
  readonly #keys: Keys
  readonly #surroundings: Surroundings
  readonly #known: { endpoints: State['endpoints']; directory: Directory }
  #common: Common | null = null
  #plan: GatewayPlan | null = null
  /** names of apps whose plan may be another than the last one that was told */
  readonly #news = new Set<string>()

  constructor(state: State, keys: Keys, surroundings: Surroundings) {
    this.#state = state
    this.#keys = keys
    this.#surroundings = surroundings
    this.#known = { endpoints: state.endpoints, directory: new Directory(state) }
  }

  /** Has the state changed by `make`, which changes this key alone. Returns what that returns. */
  change<T>(text: string, make: () => T): T {
    const key = this.#keys.parse(text)
    this.#plan = null
    if (key?.kind === 'launcher' || key?.kind === 'blueprint') this.#common = null
    if (key?.kind !== 'endpoint' && key?.kind !== 'app' && key?.kind !== 'pool') return make()
    const isInstance = key.kind === 'endpoint'
    const name = canonical(isInstance ? key.app : key.name)
    this.#news.add(name)
    const wasAlone = this.#isAlone(name, isInstance)
    const made = make()
    if (!wasAlone || !this.#isAlone(name, isInstance)) this.#common = null
    return made
  }

  /** All of it: the same object until something changes. */
  whole(): GatewayPlan {
    this.#plan ??= planGateway(this.#known, this.frame(), this.#surroundings.sign)
    this.#news.clear()
    return this.#plan
  }

  /** Without apps: the same object until something changes that is not of one app alone. */
  frame(): GatewayPlan {
    return this.#shared().frame
  }

  /** Addresses and routes that belong to somebody else. */
  get lost(): Rejection[] {
    return this.#shared().lost
  }

  /** The apps whose plan may be another one than was told last; null for one that gets no requests. */
  *news(): Generator<[name: string, app: AppPlan | null]> {
    const frame = this.frame()
    for (const name of this.#news)
      yield [name, planApp(name, this.#known, frame, this.#surroundings.sign)]
    this.#news.clear()
  }

  #shared(): Common {
    this.#common ??= this.#agree()
    return this.#common
  }

  #agree(): Common {
    const state = this.#state
    const { launchers: named } = this.#surroundings
    const { launchers, lost } = contest(state, named)
    const awarded = award(ownersOf(state, this.#known.directory))
    const registered = [...state.launchers.values()].map(({ value }) => formatEndpoint(value))
    for (const name of state.endpoints.keys()) this.#news.add(name)
    return {
      frame: planFrame({ launchers, routes: awarded.routes }, this.#surroundings),
      lost: [...lost, ...awarded.lost],
      launchers: new Set([...named, ...registered]),
    }
  }

  /**
   * Whether nobody else has to do with what is said of this app.
   * @param isInstance whether it is of its instances: these say nothing of routes, but for those of a blueprint
   */
  #isAlone(name: string, isInstance: boolean): boolean {
    if (!this.#common) return false
    const { apps, pools, blueprints, endpoints } = this.#state
    const records = isInstance ? [] : [apps.get(name), pools.get(name)]
    if (records.some((held) => held && held.value.routes.length > 0)) return false
    for (const { value } of blueprints.values()) if (value.app.routes.length > 0) return false
    for (const { value } of endpoints.get(name)?.values() ?? [])
      if (this.#common.launchers.has(formatEndpoint(value))) return false
    return true
  }
}
