import type { App } from '../../model/app.ts'
import { isDozing, isRunning } from '../../model/container.ts'
import { isMadeByHand, readLabels } from '../../model/label.ts'
import type { Host } from '../../model/record.ts'
import type { Catalog } from '../catalog.ts'
import { deadline } from '../deadline.ts'
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

/** A container that a wake has started, or is starting, on a host that it now gives up. */
export interface Copy extends Leftover {
  begun: Promise<unknown>
  id: string
  claim: { valid(): boolean }
}

/** An engine that does not answer a ping within this is not waited for, milliseconds. */
const SIGN = 500
/** Nobody was ever led to it: it has so long to end before it is killed, seconds. */
const GRACE = 2
/** After this the next host is tried anyway, milliseconds. */
const LIMIT = 3_000

/**
 * Stops what a wake has started on a host before it goes to the next one, so that a slot is not started while it runs
 * elsewhere. Only under the claim of that wake, and not if its Endpoint has come after all. Takes 3.5 s at most, half a
 * second where the engine is dead, and does not throw: what is left then is cleared away when the slot is up.
 */
export async function halt(
  { app, slot, host, begun, id, claim }: Copy,
  catalog: Catalog,
  engines: Pick<Engines, 'at'>,
): Promise<void> {
  const isOurs = (): boolean =>
    claim.valid() && catalog.endpoint(app.name, slot)?.host !== host.address
  try {
    // Not the one it was started with: that is closed when the host has gone.
    const engine = engines.at(host.engine)
    await deadline(SIGN, () => engine.ping())
    await deadline(LIMIT, async (signal) => {
      await begun
      if (!signal.aborted && isOurs()) await engine.stop(id, Math.min(app.stopTimeout, GRACE))
    })
  } catch {
    // the engine is away, or too slow
  }
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
    if (!labels.ok || isMadeByHand(labels.spec)) return
    if (isRunning(container) || isDozing(container)) {
      if (isRunning(container) && begun === null) return
      await engine.stop(container.id, app.stopTimeout)
    } else if (container.state === 'paused') return
    if (!isElsewhere()) return
    await clearAway(container, engine)
  } catch {
    // the engine is away
  }
}
