import type { Entry, Held, Origin } from './entry.ts'
import type { Keys } from './key.ts'
import { canonical } from './name.ts'
import { type Instance, Slots } from './slots.ts'

/** Records by canonical name: of two whose names differ in case only, the first has effect. */
export class Unique<T, E extends Origin = Entry> extends Map<string, Held<T, E>> {
  /** Takes a new or changed record. Returns whether it has effect. */
  admit(name: string, record: Held<T, E>): boolean {
    const held = this.get(canonical(name))
    if (held && held.entry.key !== record.entry.key) return false
    this.set(canonical(name), record)
    return true
  }

  /** Takes the removal of `key`. Returns whether a name became free. */
  dismiss(name: string, key: string): boolean {
    return this.get(canonical(name))?.entry.key === key && this.delete(canonical(name))
  }
}

/** Endpoints by canonical app name, then slot: of apps whose names differ in case only, the first one's have effect. */
export class UniqueSlots extends Map<string, Slots> {
  readonly #keys: Keys

  constructor(keys: Keys) {
    super()
    this.#keys = keys
  }

  /** Takes a new or changed Endpoint. Returns whether it has effect. */
  admit(app: string, slot: number, endpoint: Instance): boolean {
    const name = canonical(app)
    const slots = this.get(name) ?? new Slots()
    for (const [other, { entry }] of slots)
      if (entry.key !== this.#keys.endpoint(app, other)) return false
    this.set(name, slots.set(slot, endpoint))
    return true
  }

  /** Takes the removal of `key`. Returns whether a name became free. */
  dismiss(app: string, slot: number, key: string): boolean {
    const slots = this.get(canonical(app))
    if (slots?.get(slot)?.entry.key !== key) return false
    slots.delete(slot)
    return slots.size === 0 && this.delete(canonical(app))
  }
}
