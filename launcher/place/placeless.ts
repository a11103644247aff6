import type { App } from '../../model/app.ts'
import { canonical } from '../../model/name.ts'
import { Recent } from '../../model/recent.ts'

/** So many slots are remembered. */
const REMEMBERED = 10_000

/** Slots that no host had a place for when they were to be started last: they will find none now, in all likelihood. */
export class Placeless {
  readonly #slots = new Recent<string, true>(REMEMBERED)

  note(app: App, slot: number): void {
    this.#slots.set(keyOf(app, slot), true)
  }

  /** It was started. */
  forget(app: App, slot: number): void {
    this.#slots.delete(keyOf(app, slot))
  }

  has(app: App, slot: number): boolean {
    return this.#slots.has(keyOf(app, slot))
  }
}

function keyOf({ name }: App, slot: number): string {
  return `${canonical(name)}/${slot}`
}
