import type { Logger } from 'pino'
import type { Cluster } from './cluster.ts'
import type { HostEngine } from './options.ts'
import type { Member } from './roster.ts'
import type { Rest } from './sleep-ports.ts'

/** Does to the container of an instance what its sleep asks for. Rejects with the engine's error. */
export async function layDown(
  { instance: { id, spec } }: Member,
  how: Rest,
  { engine, cluster, log }: { engine: HostEngine; cluster: Cluster; log: Logger },
): Promise<void> {
  if (how === 'fold') return await engine.stopSandbox(id)
  if (how === 'pause')
    try {
      return await engine.pause(id)
    } catch (error) {
      if ((error as { code?: unknown }).code === 'unreachable') throw error
      // not every engine can, as one without the freezer of cgroups: it sleeps all the same
      const reason = (error as Error).message
      log.warn({ app: spec.app, slot: spec.slot, reason }, 'not paused: it is stopped instead')
    }
  await engine.stop(id, cluster.terms(spec).stopTimeout)
  if (how !== 'remove') return
  await engine.remove(id)
  // one that stays is used again, or dropped with the next container of the group
  if (spec.group !== undefined) await engine.groups.dropNetwork(spec.group).catch(() => {})
}
