import { type Container, isDozing } from '../model/container.ts'
import type { RegistrarOptions } from './options.ts'
import type { Member } from './roster.ts'

/**
 * Open connections to an instance, however they came; none if it does not run. One that somebody paused by hand is in use
 * by them.
 * @throws Error if they cannot be counted. Who cannot see must not conclude that nobody is there.
 */
export async function countVisitors(
  { instance }: Member,
  count: RegistrarOptions['connections'],
  inspect: (id: string) => Promise<Container | null>,
): Promise<number> {
  const { id, pid, endpoint, spec, phase } = instance
  if (phase === 'stopped') return Number(isHeld(await inspect(id)))
  if (pid === 0 || !endpoint) return 0
  const at = { port: spec.port, published: endpoint.port }
  const found = await count({ pid, ...at })
  if (found !== null) return found
  const container = await inspect(id)
  if (container?.state !== 'running') return 0
  // Started again, maybe unseen: at the same address nothing else would tell.
  const again = container.pid === pid ? null : await count({ ...at, pid: container.pid })
  if (again !== null) return again
  throw new Error(`process ${pid} is not visible here: run the registrar with --pid=host`)
}

/** Whether it was paused, and not to sleep. */
function isHeld(container: Container | null): boolean {
  return container?.state === 'paused' && !isDozing(container)
}
