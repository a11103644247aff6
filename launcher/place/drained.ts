import type { App } from '../../model/app.ts'
import { isUp } from '../../model/container.ts'
import { scopeOf } from '../../model/group.ts'
import type { State } from '../../model/state.ts'
import type { Sight } from './place.ts'

/**
 * Why nothing is started on a host any more, or null: somebody wants it empty. What runs there already needs no start,
 * and a second copy of it elsewhere would only get into its way. Whose volumes are there can start nowhere else: it goes
 * on being served for as long as the host is.
 * @param drains by host name
 * @param pinned name of the host that has the app's volumes, null if there are none
 */
export function whyDrained(
  { host, container }: Pick<Sight, 'host' | 'container'>,
  drains: ReadonlyMap<string, unknown>,
  pinned: string | null,
): string | null {
  const isThere = container !== null && isUp(container)
  if (isThere || host.name === pinned || !drains.has(host.name)) return null
  return 'is being drained'
}

/** Name of the host that has volumes of the app, or of its group; null if there are none. */
export function pinOf(app: App, homes: State['homes']): string | null {
  const home = homes.get(scopeOf(app))?.value
  return home !== undefined && home.volumes.length > 0 ? home.host : null
}
