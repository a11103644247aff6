import type { Candidate } from './place.ts'

/**
 * Why nothing is started on a host any more, or null: somebody wants it empty. What runs there already needs no start,
 * and a second copy of it elsewhere would only get into its way.
 * @param drains by host name
 */
export function whyDrained(
  { host, container }: Pick<Candidate, 'host' | 'container'>,
  drains: ReadonlyMap<string, unknown>,
): string | null {
  const runs = container?.state === 'running' || container?.state === 'restarting'
  return drains.has(host.name) && !runs ? 'is being drained' : null
}
