import { setTimeout as pause } from 'node:timers/promises'

/** Milliseconds between two looks. */
const LOOK = 100

/**
 * Looks until it is so; a look that fails is a no. Resolves with the milliseconds it took, throws after `limit` ms:
 * for what a fault needs before it can begin, or with a limit far beyond the bound that its words set.
 */
export async function until(
  what: string,
  limit: number,
  isSo: () => Promise<boolean> | boolean,
): Promise<number> {
  const began = performance.now()
  let last = 'no'
  for (;;) {
    const so = await Promise.resolve()
      .then(isSo)
      .catch((error: Error) => {
        last = error.message
        return false
      })
    const took = performance.now() - began
    if (so) return took
    if (took > limit) throw new Error(`not in ${limit} ms: ${what} (${last})`)
    await pause(LOOK)
  }
}
