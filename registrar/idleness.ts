/** What is known of the use of one instance. Times are milliseconds on the clock of this process. */
export interface Use {
  /** last sign of use: its start, a request somewhere in the cluster, an open connection */
  last: number
  /** connections were open at the last look, at `last` or before */
  isOpen: boolean
}

/** While connections are open they are looked at this often; each look costs CPU. */
const LOOK = 15_000

/**
 * When to look at an instance's connections next. Requests report themselves, so usually that is when it would be
 * idle; an open connection does not, and its end is not reported for those that come past the gateways.
 * @param idleAfter milliseconds
 */
export function nextLook(use: Use, idleAfter: number): number {
  return use.last + (use.isOpen ? Math.min(idleAfter, LOOK) : idleAfter)
}

/** Whether nobody has used it for `idleAfter` milliseconds. */
export function isIdle(use: Use, idleAfter: number, now: number): boolean {
  return !use.isOpen && now - use.last >= idleAfter
}
