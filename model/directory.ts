import type { App } from './app.ts'
import { expand } from './blueprint.ts'
import { isAppName } from './name.ts'
import type { Pool } from './pool.ts'
import type { State } from './state.ts'

/** An App that is not stored, and what made it. */
export interface Derived {
  app: App
  blueprint: string
}

/**
 * How many names' expansions are kept unless it is said: as many apps as may run. All that run are gone through at once,
 * by whoever places or plans, and making them anew each time would take seconds.
 */
const KEPT = 50_000

/** Which App a name is, as the state has it at this moment. Launchers and controllers read names alike. */
export class Directory {
  readonly #state: Pick<State, 'app' | 'pool' | 'blueprints' | 'blueprintChanges'>
  readonly #kept: number
  /** what blueprints made of names as typed: a thousand held requests ask for the same one */
  readonly #expanded = new Map<string, Derived>()
  #order: string[] = []
  /** the state's count of changes at which the two above were true */
  #seen = -1

  /** @param kept how many names' expansions are remembered */
  constructor(state: Pick<State, 'app' | 'pool' | 'blueprints' | 'blueprintChanges'>, kept = KEPT) {
    this.#state = state
    this.#kept = kept
  }

  /** The Pool of that name, if it is none of an App that is stored: one that a blueprint would make gives way. */
  pool(name: string): Pool | null {
    return this.#state.pool(name) ?? null
  }

  /** One that is stored, else what the first fitting blueprint (by name) makes of it, else null. */
  find(name: string): App | null {
    if (!isAppName(name)) return null
    return this.#state.app(name) ?? this.derive(name)?.app ?? null
  }

  /** What the first fitting blueprint (by name) makes of a name under which nothing is stored, nor any Pool. */
  derive(name: string): Derived | null {
    if (!isAppName(name) || this.#state.app(name) || this.#state.pool(name)) return null
    if (this.#seen !== this.#state.blueprintChanges) this.#forget()
    const known = this.#expanded.get(name)
    if (known) return known
    for (const key of this.#order) {
      const blueprint = this.#state.blueprints.get(key)
      const app = blueprint && expand(blueprint.value, name)
      if (!app) continue
      if (this.#expanded.size >= this.#kept) this.#expanded.clear()
      const derived = { app, blueprint: key }
      this.#expanded.set(name, derived)
      return derived
    }
    return null
  }

  #forget(): void {
    this.#seen = this.#state.blueprintChanges
    this.#order = [...this.#state.blueprints.keys()].sort()
    this.#expanded.clear()
  }
}
