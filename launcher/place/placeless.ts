import type { App } from '../../model/app.ts'
import { canonical } from '../../model/name.ts'

/** So many slots are remembered. */
const REMEMBERED = 10_000

/** Slots that no host had a place for when they were to be started last: they will find none now, in all likelihood. */
export class Placeless {
  /** the longest unasked first */
  readonly #slots = new Set<string>()

  note(app: App, slot: number): void {
    const key = keyOf(app, slot)
    this.#slots.delete(key)
    this.#slots.add(key)
    if (this.#slots.size <= REMEMBERED) return
    const [oldest] = this.#slots
    if (oldest !== undefined) this.#slots.delete(oldest)
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
