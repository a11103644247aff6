import { setTimeout as pause } from 'node:timers/promises'
import { ProblemError } from '../../model/problem.ts'
import type { Router } from './router.ts'

/** How long a call waits for the catalog, milliseconds. */
const PATIENCE = 2_000

/**
 * Answers nothing about the cluster before this launcher knows it: a list that is empty because etcd was not heard yet
 * would be taken for the truth. Throws ProblemError `unavailable` where that takes too long.
 */
export function waitForCatalog(router: Router, synced: Promise<void>): void {
  let known = false
  const complete = synced.then(() => {
    known = true
  })
  router.addHook('onRequest', async (request) => {
    if (known || request.routeOptions.config.open) return
    await Promise.race([complete, pause(PATIENCE, null, { ref: false })])
    if (!known)
      throw new ProblemError('unavailable', {
        detail: 'this launcher has not heard from etcd yet',
        retryAfter: 2,
      })
  })
}
