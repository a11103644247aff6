import type { App } from '../../model/app.ts'
import type { EngineEvent } from '../../model/container.ts'
import { neededNow } from '../../model/dependency.ts'
import { readLabels } from '../../model/label.ts'
import { canonical } from '../../model/name.ts'
import type { Catalog, Change } from '../catalog.ts'
import { type Backoff, slotKey } from './backoff.ts'

/** How long an engine may take to say how an instance ended, milliseconds. */
const PATIENCE = 1_000

/**
 * Tells the back-off which instances ended: asked to by a sleep, by themselves and content, or not. The engine says how;
 * where it does not, an Endpoint that goes has to do.
 */
export class Ends {
  readonly #catalog: Catalog
  readonly #backoff: Backoff
  readonly #patience: number

  constructor(catalog: Catalog, backoff: Backoff, patience = PATIENCE) {
    this.#catalog = catalog
    this.#backoff = backoff
    this.#patience = patience
  }

  /** A container on `host` ended. One that may sleep and ends with 0 put itself to sleep. */
  died({ labels, exitCode }: EngineEvent, host: string): void {
    const read = readLabels(labels)
    if (!read.ok) return
    const { app, slot } = read.spec
    if (this.#runsElsewhere(app, slot, host)) return
    const isContent = exitCode === 0 && this.#maySleep(app, slot)
    this.#gone(app, slot, isContent || this.#isAsked(app, slot), performance.now())
  }

  /** Takes news from etcd. */
  observe(batch: readonly Change[]): void {
    const { keys } = this.#catalog
    // A host that goes takes its Endpoints along when its lease ends: its registrar died, not the apps.
    const isHost = (change: Change): boolean =>
      change.type === 'delete' && keys.parse(change.key)?.kind === 'host'
    if (batch.some(isHost)) return
    for (const change of batch) {
      // One that is only missing from a list may have gone with etcd's data, not with its container.
      if (change.type !== 'delete' || !change.seen) continue
      const key = keys.parse(change.key)
      if (key?.kind !== 'endpoint') continue
      const at = performance.now()
      if (this.#isAsked(key.app, key.slot)) this.#gone(key.app, key.slot, true, at)
      else setTimeout(() => this.#gone(key.app, key.slot, false, at), this.#patience).unref()
    }
  }

  /** A second copy that was begun before another host was tried is stopped once the slot is up there. */
  #runsElsewhere(app: string, slot: number, host: string): boolean {
    const { state } = this.#catalog
    const there = this.#catalog.endpoint(app, slot)?.host
    const here = state.hosts.get(host)?.value.address
    return there !== undefined && here !== undefined && there !== here
  }

  /** What would be started again at once, for `min`, for its other instances or for an app that needs it, may not. */
  #maySleep(app: string, slot: number): boolean {
    const { state, keys } = this.#catalog
    const find = (name: string): App | null => this.#catalog.find(name)
    if (slot < (find(app)?.min ?? 0)) return false
    const others = [...state.slots(app).keys()].filter((other) => other !== slot)
    return others.length === 0 && !neededNow(state, keys, find).has(canonical(app))
  }

  #isAsked(app: string, slot: number): boolean {
    return this.#catalog.claim(app, slot)?.value.action === 'sleep'
  }

  #gone(app: string, slot: number, isGood: boolean, at: number): void {
    this.#backoff.gone(slotKey(app, slot), isGood, at)
  }
}
