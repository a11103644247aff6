import type { Endpoint } from './endpoint.ts'
import type { Entry, Held } from './entry.ts'

/** An instance that is ready to answer. */
export type Instance = Held<Endpoint, Entry>

/**
 * The instances of one app by slot, in the order in which they came. Most apps have one, which is a field here: with a Map
 * for each of 50,000 apps a tenth of all that a service has in its memory was empty rows.
 */
export class Slots {
  #slot = 0
  #only: Instance | null = null
  /** all of them, once there were several */
  #all: Map<number, Instance> | null = null

  get size(): number {
    return this.#all?.size ?? (this.#only ? 1 : 0)
  }

  get(slot: number): Instance | undefined {
    if (this.#all) return this.#all.get(slot)
    return slot === this.#slot && this.#only ? this.#only : undefined
  }

  has(slot: number): boolean {
    return this.get(slot) !== undefined
  }

  set(slot: number, instance: Instance): this {
    if (this.#all) this.#all.set(slot, instance)
    else if (this.#only && slot !== this.#slot) this.#all = new Map([...this, [slot, instance]])
    else {
      this.#slot = slot
      this.#only = instance
    }
    return this
  }

  delete(slot: number): void {
    if (this.#all) this.#all.delete(slot)
    else if (slot === this.#slot) this.#only = null
  }

  *[Symbol.iterator](): Generator<[slot: number, instance: Instance]> {
    if (this.#all) yield* this.#all
    else if (this.#only) yield [this.#slot, this.#only]
  }

  *keys(): Generator<number> {
    for (const [slot] of this) yield slot
  }

  *values(): Generator<Instance> {
    for (const [, instance] of this) yield instance
  }
}
