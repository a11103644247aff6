import type { Container } from '../model/container.ts'
import type { RegistrarOptions } from './options.ts'
import type { Member } from './roster.ts'

/**
 * Open connections to an instance, however they came; none if it does not run.
 * @throws Error if they cannot be counted. Who cannot see must not conclude that nobody is there.
 */
export async function countVisitors(
  { instance }: Member,
  count: RegistrarOptions['connections'],
  inspect: (id: string) => Promise<Container | null>,
): Promise<number> {
  const { id, pid, endpoint, spec } = instance
  if (pid === 0 || !endpoint) return 0
  const found = await count({ pid, port: spec.port, published: endpoint.port })
  if (found !== null) return found
  const container = await inspect(id)
  if (container?.state !== 'running' || container.pid !== pid) return 0
  throw new Error(`process ${pid} is not visible here: run the registrar with --pid=host`)
}
