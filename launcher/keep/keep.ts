import type { App } from '../../model/app.ts'
import { canonical } from '../../model/name.ts'
import type { Catalog, Change } from '../catalog.ts'
import { lostApps, missingSlots, surplusSlots } from './replicas.ts'

export interface KeeperOptions {
  catalog: Catalog
  /** starts a slot if nobody else does; true if it runs then */
  fill(app: App, slot: number): Promise<boolean>
  /** puts a slot to sleep that the App has no more; true if it is gone then */
  retire(app: App, slot: number): Promise<boolean>
}

/** How often all apps are looked through, milliseconds; changes are acted on at once. */
const TICK = 5_000
/** Background starts at once: visitors come first. And of one app: one that is stuck leaves the others their turn. */
const AT_ONCE = 16
const OF_ONE = 4
/** A slot that is not to be retired (somebody made its container by hand) is asked about this often, milliseconds. */
const RETIRED_AGAIN = 60_000

/**
 * Keeps slots filled that nobody waits for, and retires those an App has no more. Several launchers may do so at once:
 * claims decide who changes a slot.
 */
export class Keeper {
  readonly #options: KeeperOptions
  /** claim keys of the slots being filled or retired, with the app */
  readonly #busy = new Map<string, string>()
  /** claim keys of slots that could not be changed: not before this time (a try is a change of the app itself) */
  readonly #notBefore = new Map<string, number>()
  /** apps that had to wait for others: looked at as soon as one is done */
  readonly #queued = new Set<string>()
  /** apps whose instances went with their host, while none of them runs */
  readonly #lost = new Set<string>()
  #timer: NodeJS.Timeout | null = null
  #unlisten: () => void = () => {}

  constructor(options: KeeperOptions) {
    this.#options = options
  }

  start(): void {
    this.#timer = setInterval(() => this.#all(), TICK)
    this.#unlisten = this.#options.catalog.onChange((batch, topics) => this.#hear(batch, topics))
    this.#all()
  }

  stop(): void {
    if (this.#timer) clearInterval(this.#timer)
    this.#timer = null
    this.#unlisten()
  }

  #hear(batch: readonly Change[], topics: ReadonlySet<string>): void {
    const lost = lostApps(batch, this.#options.catalog)
    for (const name of lost) this.#lost.add(name)
    // A first list is a batch of everything: the tick sees to it. A host that dies is one too, and cannot wait.
    if (topics.size <= 100 || lost.size > 0) for (const name of topics) this.#look(name)
  }

  #all(): void {
    this.#sweep()
    const { state } = this.#options.catalog
    for (const name of state.apps.keys()) this.#look(name)
    for (const name of state.endpoints.keys()) if (!state.apps.has(name)) this.#look(name)
  }

  /** Makes nothing that is to be collected: of 50,000 apps at each tick that would be more than they are themselves. */
  #look(name: string): void {
    const { catalog } = this.#options
    const app = catalog.find(name)
    if (!app) return
    const running = catalog.state.slots(name)
    if (running.size > 0) this.#lost.delete(name)
    const last = catalog.lastUse(name)
    const used = last === null ? null : (performance.now() - last) / 1000
    this.#fillNext(app, missingSlots(app, running, used, this.#lost.has(name)))
    if (running.size > 0) this.#keepNeeded(app)
    // The slots above are those of a roll, until it is over: it has its own use for them.
    if (catalog.state.rolls.has(name)) return
    const [surplus] = surplusSlots(app, running)
    if (surplus !== undefined && this.#isOfHost(name, surplus)) this.#retire(app, surplus)
  }

  /** What an app that runs depends on runs too. */
  #keepNeeded({ dependsOn }: App): void {
    const { catalog } = this.#options
    for (const name of dependsOn) {
      const needed = catalog.find(name)
      if (needed && catalog.state.slots(name).size === 0) this.#fill(needed, 0)
    }
  }

  /** Nobody but its sidekick can end what no host's registrar has registered. */
  #isOfHost(name: string, slot: number): boolean {
    const { state } = this.#options.catalog
    const lease = state.slots(name).get(slot)?.entry.lease
    return [...state.hosts.values()].some(({ entry }) => entry.lease === lease)
  }

  /**
   * Fills the first slot that nobody has placed yet. The next one has its turn once that has its host, whoever chose
   * it: launchers that place instances of one app in the same moment would not see each other, and choose the same.
   */
  #fillNext(app: App, missing: readonly number[]): void {
    const { catalog } = this.#options
    for (const slot of missing) {
      const claim = catalog.claim(app.name, slot)?.value
      const key = catalog.keys.claim(canonical(app.name), slot)
      if (claim?.action === 'wake' && claim.host === undefined) return
      if (claim || (this.#notBefore.get(key) ?? 0) > performance.now()) continue
      return this.#fill(app, slot)
    }
  }

  #fill(app: App, slot: number): void {
    // A little less than a tick, so that the next one tries.
    this.#change(app, slot, TICK * 0.9, OF_ONE, () => this.#options.fill(app, slot))
  }

  /** One after the other: those that are left take over what it had to answer. */
  #retire(app: App, slot: number): void {
    this.#change(app, slot, RETIRED_AGAIN, 1, () => this.#options.retire(app, slot))
  }

  #change(
    app: App,
    slot: number,
    patience: number,
    ofOne: number,
    change: () => Promise<boolean>,
  ): void {
    const { catalog } = this.#options
    const name = canonical(app.name)
    const key = catalog.keys.claim(name, slot)
    if (this.#busy.has(key) || catalog.claim(app.name, slot)) return
    if ((this.#notBefore.get(key) ?? 0) > performance.now()) return
    const busy = [...this.#busy.values()].filter((other) => other === name).length
    if (this.#busy.size >= AT_ONCE || busy >= ofOne) return void this.#queued.add(name)
    this.#busy.set(key, name)
    this.#notBefore.delete(key)
    void change()
      .catch(() => false)
      .then((done) => {
        if (!done) this.#notBefore.set(key, performance.now() + patience)
        this.#busy.delete(key)
        this.#next()
      })
  }

  /** Somebody is done: whoever waited for that has another look. */
  #next(): void {
    if (this.#timer === null) return
    const queued = [...this.#queued]
    this.#queued.clear()
    for (const name of queued) this.#look(name)
  }

  /** Forgets what is over: most slots that failed are never asked for again. */
  #sweep(): void {
    const { catalog } = this.#options
    const now = performance.now()
    for (const [key, until] of this.#notBefore) if (until <= now) this.#notBefore.delete(key)
    for (const name of this.#lost) if (!catalog.find(name)) this.#lost.delete(name)
  }
}
