import { isUp, type Sight } from './place.ts'

/**
 * Why nothing is started on a host any more, or null: somebody wants it empty. What runs there already needs no start,
 * and a second copy of it elsewhere would only get into its way.
 * @param drains by host name
 */
export function whyDrained(
  { host, container }: Pick<Sight, 'host' | 'container'>,
  drains: ReadonlyMap<string, unknown>,
): string | null {
  return drains.has(host.name) && !isUp(container) ? 'is being drained' : null
}
