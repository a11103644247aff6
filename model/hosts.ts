import { parseEndpoint } from './endpoint.ts'
import { parseSshUrl } from './engine-url.ts'
import type { Entry, Held } from './entry.ts'
import type { Host } from './record.ts'

/** Why one of two hosts with one engine has no effect. */
export const TWIN = 'another host has this engine'

/** Whether the engine is where the instances are: nobody else can say so of it. */
function isAtHome({ engine, address }: Host): boolean {
  const there = engine.startsWith('tcp://') ? parseEndpoint(engine.slice(6)) : parseSshUrl(engine)
  return there?.host === address
}

/**
 * Hosts by name, no two with one engine: what is started on one would be looked for on the other, a drain would never
 * end, and its room would count twice. A setting copied from another machine is enough for that.
 */
export class Hosts extends Map<string, Held<Host, Entry>> {
  /**
   * Takes a new or changed host. Of two with one engine, the one at whose address the engine is has it, else the first.
   * `out` is the entry of the other one where that has no effect any more.
   */
  admit(held: Held<Host, Entry>): { isIn: boolean; out?: Entry } {
    const { value } = held
    const other = [...this.values()].find(
      (one) => one.value.engine === value.engine && one.value.name !== value.name,
    )
    if (other && (isAtHome(other.value) || !isAtHome(value))) return { isIn: false }
    this.set(value.name, held)
    if (!other) return { isIn: true }
    this.delete(other.value.name)
    return { isIn: true, out: other.entry }
  }
}
