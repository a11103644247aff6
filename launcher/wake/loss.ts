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
      const answers = gone() === null && (await engine.ping().then(yes, no))
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

const yes = (): boolean => true
const no = (): boolean => false
