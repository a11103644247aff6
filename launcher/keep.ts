import type { App } from '../model/app.ts'
import { canonical } from '../model/name.ts'
import type { Catalog } from './catalog.ts'

export interface KeeperOptions {
  catalog: Catalog
  /** starts a slot if nobody else does; true if it runs then */
  fill(app: App, slot: number): Promise<boolean>
}

/** How often all apps are looked through, milliseconds; changes are acted on at once. */
const TICK = 5_000
/** Background starts at once: visitors come first. And of one app: one that is stuck leaves the others their turn. */
const AT_ONCE = 16
const OF_ONE = 4

/**
 * Which slots of an app should run but do not: those below `min` always, the other replicas while the app is in use.
 * Pure. `used`: seconds since its last use, or null if it was not used in our sight.
 */
export function missingSlots(
  app: App,
  running: ReadonlySet<number>,
  used: number | null,
): number[] {
  const inUse = running.size > 0 && used !== null && used <= app.idleAfter / 2
  const wanted = inUse ? app.replicas : app.min
  const missing: number[] = []
  for (let slot = 0; slot < wanted; slot++) if (!running.has(slot)) missing.push(slot)
  return missing
}

/** Keeps slots filled that nobody waits for. Several launchers may do so at once: claims decide who starts one. */
export class Keeper {
  readonly #options: KeeperOptions
  /** claim keys of the slots being filled, with the app */
  readonly #filling = new Map<string, string>()
  /** claim keys of slots that could not be filled: not before this time (a try is a change of the app itself) */
  readonly #notBefore = new Map<string, number>()
  #timer: NodeJS.Timeout | null = null
  #unlisten: () => void = () => {}

  constructor(options: KeeperOptions) {
    this.#options = options
  }

  start(): void {
    const { catalog } = this.#options
    this.#timer = setInterval(() => this.#all(), TICK)
    this.#unlisten = catalog.onChange((_batch, topics) => {
      // A first list is a batch of everything: the tick sees to it.
      if (topics.size <= 100) for (const name of topics) this.#look(name)
    })
    this.#all()
  }

  stop(): void {
    if (this.#timer) clearInterval(this.#timer)
    this.#unlisten()
  }

  #all(): void {
    this.#sweep()
    const { state } = this.#options.catalog
    for (const name of new Set([...state.apps.keys(), ...state.endpoints.keys()])) this.#look(name)
  }

  #look(name: string): void {
    const { catalog } = this.#options
    const app = catalog.find(name)
    if (!app || (app.min === 0 && app.replicas === 1)) return
    const running = new Set(catalog.state.slots(name).keys())
    const last = catalog.lastUse(name)
    const used = last === null ? null : (performance.now() - last) / 1000
    for (const slot of missingSlots(app, running, used)) this.#fill(app, slot)
  }

  #fill(app: App, slot: number): void {
    const { catalog, fill } = this.#options
    const name = canonical(app.name)
    const key = catalog.keys.claim(name, slot)
    if (this.#filling.has(key) || catalog.claim(app.name, slot)) return
    if ((this.#notBefore.get(key) ?? 0) > performance.now()) return
    const ofOne = [...this.#filling.values()].filter((other) => other === name).length
    if (this.#filling.size >= AT_ONCE || ofOne >= OF_ONE) return
    this.#filling.set(key, name)
    this.#notBefore.delete(key)
    void fill(app, slot)
      .catch(() => false)
      .then((runs) => {
        // A little less than a tick, so that the next one tries.
        if (!runs) this.#notBefore.set(key, performance.now() + TICK * 0.9)
        this.#filling.delete(key)
      })
  }

  /** Forgets what is over: most slots that failed are never asked for again. */
  #sweep(): void {
    const now = performance.now()
    for (const [key, until] of this.#notBefore) if (until <= now) this.#notBefore.delete(key)
  }
}
