import { performance } from 'node:perf_hooks'
import { getHeapSpaceStatistics } from 'node:v8'

/** Milliseconds between looks. */
const LOOK = 10_000
/** Who is busy for less of the time between two of them has little to do. */
const LITTLE = 0.05
/** What may lie about: so many bytes, or this share of what the last collection left if that is more. */
const SLACK = 12 * 1024 ** 2
const SHARE = 0.25

/** Tells when what a burst has left is worth a collection: it is much, and there is time for it. */
export class Leftovers {
  /** bytes in use when least were since the last collection; what a start has left is a burst's, too */
  #floor = 0

  /**
   * @param used bytes of old objects now, at each look
   * @param busy share of the time since the last look, 0 to 1
   */
  areDue(used: number, busy: number): boolean {
    this.#floor = Math.min(this.#floor, used)
    return busy < LITTLE && used > this.#floor + Math.max(SLACK, this.#floor * SHARE)
  }

  /** @param used bytes that the collection has left */
  collected(used: number): void {
    this.#floor = used
  }
}

/**
 * From now on gives back what this process needed for a moment, once it has little to do. V8 leaves it where it is until
 * more comes, or for 100 s after its last collection (its `MemoryReducer`). That takes 20 ms where 35 MB are in use, and
 * node's `--expose-gc`: who runs without is left to V8.
 */
export function giveBack(): void {
  const { gc } = globalThis
  if (!gc) return
  const leftovers = new Leftovers()
  let last = performance.eventLoopUtilization()
  const look = (): void => {
    const { utilization } = performance.eventLoopUtilization(last)
    last = performance.eventLoopUtilization()
    if (!leftovers.areDue(oldObjects(), utilization)) return
    gc()
    leftovers.collected(oldObjects())
  }
  setInterval(look, LOOK).unref()
}

/** Bytes; young ones come and go by themselves. */
function oldObjects(): number {
  const spaces = getHeapSpaceStatistics().filter(({ space_name: name }) => !name.startsWith('new_'))
  return spaces.reduce((sum, { space_used_size: used }) => sum + used, 0)
}
