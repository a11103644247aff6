import type { App } from '../../model/app.ts'
import { isRunning } from '../../model/container.ts'
import { readLabels } from '../../model/label.ts'
import type { Host } from '../../model/record.ts'
import type { Catalog } from '../catalog.ts'
import type { Engines } from '../engine.ts'
import { clearAway } from '../place/ground.ts'
import { find } from '../place/look.ts'

/** Containers of a slot on hosts that do not have its Endpoint. */
export interface Leftover {
  app: App
  slot: number
  host: Host
  /** a start of ours that was given up on this host; resolves when nothing more comes of it */
  begun: Promise<unknown> | null
}

/**
 * Clears a slot's container away from a host while its Endpoint is another one's: a stopped one would be preferred at
 * some later wake, and what was begun there and given up would be a second instance. One that runs and is not of our
 * making is its registrar's to stop; one made by hand is nobody's to remove. Does not throw: the next wake of the slot
 * tries again.
 */
export async function clear(
  { app, slot, host, begun }: Leftover,
  catalog: Catalog,
  engines: Pick<Engines, 'at'>,
): Promise<void> {
  const isElsewhere = (): boolean => {
    const endpoint = catalog.endpoint(app.name, slot)
    return endpoint !== null && endpoint.host !== host.address
  }
  try {
    await begun?.catch(() => {})
    if (!isElsewhere()) return
    const engine = engines.at(host.engine)
    const container = await find(engine, app, slot)
    if (!container || !isElsewhere()) return
    const labels = readLabels(container.labels)
    if (!labels.ok || labels.spec.revision === '') return
    if (isRunning(container)) {
      if (begun === null) return
      await engine.stop(container.id, app.stopTimeout)
    } else if (container.state === 'paused') return
    if (!isElsewhere()) return
    await clearAway(container, engine)
  } catch {
    // the engine is away
  }
}
