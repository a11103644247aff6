/** How many parts are known at once: there are few that many records have, and no end of those that one has. */
const MOST = 1_000

/**
 * Parts of records, each kept once however many have an equal one: of 50,000 apps most have the same limits, image and empty
 * lists. What is shared is frozen.
 */
export class Shared {
  readonly #parts = new Map<string, unknown>()

  /** A text equal to this one, the same each time. */
  text(text: string): string {
    return this.#one(text, text)
  }

  /** The record with its parts, but for its name, shared with records before. */
  of<T extends { name: string }>(record: T): T {
    const shared: Record<string, unknown> = {}
    for (const [field, part] of Object.entries(record)) shared[field] = this.#part(field, part)
    return shared as T
  }

  #part(field: string, part: unknown): unknown {
    if (typeof part === 'string') return field === 'name' ? part : this.text(part)
    if (typeof part !== 'object' || part === null) return part
    return this.#one(JSON.stringify(part), freeze(part))
  }

  #one<T>(key: string, part: T): T {
    const known = this.#parts.get(key)
    if (known !== undefined && typeof known === typeof part) return known as T
    if (this.#parts.size >= MOST) this.#parts.clear()
    this.#parts.set(key, part)
    return part
  }
}

function freeze<T extends object>(part: T): T {
  for (const inner of Object.values(part))
    if (typeof inner === 'object' && inner !== null) freeze(inner)
  return Object.freeze(part)
}
