import type { Host } from '../../model/record.ts'
import { type Catalog, HOSTS } from '../catalog.ts'
import { HostFault } from './fault.ts'

/** How often a host is looked at on which something starts, milliseconds. */
const LOOK = 1_000
/** So many pings in a row without an answer are no accident. */
const SILENT = 2

/** A host on which something is being started. */
export interface Watched {
  app: string
  host: Host
  engine: { ping(): Promise<void> }
  /** whether there is another host to go to: without one it is better to wait */
  hasChoice(): Promise<boolean>
}

/**
 * Rejects with a HostFault once the host has gone, or its engine has fallen silent, and there is another one to go to.
 * Calls to a silent engine fail by themselves; but who waits for an instance makes none. Stays pending after `signal`.
 */
export async function lossOf(
  { app, host, engine, hasChoice }: Watched,
  catalog: Catalog,
  signal: AbortSignal,
): Promise<never> {
  const gone = (): true | null => (catalog.state.hosts.has(host.name) ? null : true)
  let silent = 0
  try {
    for (;;) {
      const was = gone()
      const changed = (): true | null => (gone() === was ? null : true)
      await catalog.whenWithin(HOSTS, changed, LOOK, signal)
      const answers = gone() === null && (await isThere(engine))
      silent = answers ? 0 : silent + 1
      const detail = gone() ? 'its registrar is gone' : 'its engine does not answer'
      if (!signal.aborted && (gone() || silent >= SILENT) && (await hasChoice()))
        throw new HostFault('unavailable', { app, detail, retryAfter: 5 })
    }
  } catch (error) {
    if (error instanceof HostFault) throw error
    return await new Promise(() => {})
  }
}

/** By engine: the last ping, and when it was sent. */
const pings = new WeakMap<Watched['engine'], { at: number; answer: Promise<boolean> }>()

/** Whether it answers a ping: one for all who start something there, and another one by the next look of each. */
function isThere(engine: Watched['engine']): Promise<boolean> {
  const now = performance.now()
  const last = pings.get(engine)
  if (last && now - last.at < 0.9 * LOOK) return last.answer
  const answer = engine.ping().then(
    () => true,
    () => false,
  )
  pings.set(engine, { at: now, answer })
  return answer
}
