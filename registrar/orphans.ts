import { parseEndpoint } from '../model/endpoint.ts'
import type { Holders } from './holders.ts'
import { TOLERANCE } from './instance.ts'
import { pause } from './pause.ts'
import type { Asking } from './readiness.ts'

/** Milliseconds between rounds, and for an answer. */
const ROUND = 2_000
const PATIENCE = 1_000

/**
 * Looks after Endpoints that were taken over from the process before, for as long as the engine does not say whose they
 * are. Their instances may well run on: so they stay while something answers there, and go when nothing does.
 */
export async function watchOrphans(
  holders: Holders,
  tcp: Asking['tcp'],
  isListed: () => boolean,
  signal: AbortSignal,
): Promise<void> {
  const failures = new Map<string, number>()
  while (!signal.aborted && !isListed()) {
    await pause(ROUND, signal)
    for (const { key, value } of holders.orphans()) {
      const endpoint = parseEndpoint(value)
      const isOpen = endpoint !== null && (await tcp(endpoint, PATIENCE, signal))
      if (signal.aborted || isListed()) return
      failures.set(key, isOpen ? 0 : (failures.get(key) ?? 0) + 1)
      if ((failures.get(key) ?? 0) >= TOLERANCE) holders.drop(key)
    }
  }
}
