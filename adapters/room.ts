import { getHeapSpaceStatistics, setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

/** Milliseconds between looks. */
const LOOK = 10_000
const MIB = 1024 ** 2
/** Less than this is promoted between two looks while next to nothing is done. */
const STILL = MIB
/** What may lie about: so much, or this share of what is in use if that is more. */
const SLACK = 12 * MIB
const SHARE = 0.25

/** Tells when the garbage of a burst is worth a collection: once nothing more is added to it, and it is much of the heap. */
export class Rest {
  /** bytes in use after the last collection, as far as one is known of */
  #floor = 0
  #last = Number.POSITIVE_INFINITY

  /** @param used bytes of the heap's old objects now, at each look */
  isDue(used: number): boolean {
    const isStill = Math.abs(used - this.#last) < STILL
    this.#last = used
    // V8 has collected meanwhile.
    this.#floor = Math.min(this.#floor, used)
    return isStill && used > this.#floor + Math.max(SLACK, this.#floor * SHARE)
  }

  /** @param used bytes that the collection has left */
  collected(used: number): void {
    this.#floor = used
    this.#last = used
  }
}

/**
 * Gives back what this process needed for a moment, once it has little to do. V8 leaves the garbage of a burst where it is
 * until more comes, or 100 s after its last collection (its `MemoryReducer`).
 */
export function giveBack(): void {
  const rest = new Rest()
  const look = (): void => {
    if (!rest.isDue(oldObjects())) return
    collect()
    rest.collected(oldObjects())
  }
  setInterval(look, LOOK).unref()
}

/** Collects all garbage, at once: some 20 ms where 35 MB are in use. */
export function collect(): void {
  // Nothing but a flag opens it, which NODE_OPTIONS does not take.
  setFlagsFromString('--expose-gc')
  const gc: () => void = runInNewContext('gc')
  setFlagsFromString('--no-expose-gc')
  gc()
}

function oldObjects(): number {
  const spaces = getHeapSpaceStatistics().filter(({ space_name: name }) => !name.startsWith('new_'))
  return spaces.reduce((sum, { space_used_size: used }) => sum + used, 0)
}
