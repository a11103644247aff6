import { randomUUID } from 'node:crypto'
import type { Cluster } from './cluster.ts'
import type { Fleet } from './fleet.ts'
import type { HostRecord } from './host.ts'
import { Idle } from './idle.ts'
import { layDown } from './lay-down.ts'
import type { RegistrarOptions } from './options.ts'
import { pause } from './pause.ts'
import type { Member } from './roster.ts'
import { Sleep } from './sleep.ts'
import { sandboxLimit } from './surplus.ts'
import { countVisitors } from './visitors.ts'

/** How long a sleep may wait for the record of this host to be written, milliseconds. */
const TOLD = 2_000

/** Joins what puts instances to sleep to the rest of a registrar. */
export function idling(
  options: RegistrarOptions,
  fleet: Fleet,
  cluster: Cluster,
  host: Pick<HostRecord, 'refresh' | 'memory'>,
): Idle {
  const { engine, store, standing, keys, log, drainTimeout, meter, name } = options
  const connections = (member: Member): Promise<number> =>
    countVisitors(
      member,
      (listener) => options.connections(listener),
      (id) => engine.inspect(id),
    )
  const ports = { store, standing, fleet, roster: fleet.roster, cluster, keys, log, connections }
  const sleep = new Sleep(
    {
      ...ports,
      layDown: (member, how) => layDown(member, how, { engine, cluster, log }),
      host: name,
      tellPaused: (signal) => Promise.race([host.refresh(), pause(TOLD, signal)]),
      newOwner: () => `${name}/${randomUUID()}`,
      now: () => new Date(),
    },
    drainTimeout * 1000,
  )
  return new Idle({
    ...ports,
    sleep,
    sandboxes: sandboxLimit(options.sandboxes, () => host.memory, log),
    isInformed: () => options.isInformed(),
    dismiss: async ({ entry }) => {
      await store.remove(entry.key, { modRevision: entry.modRevision }).catch(() => null)
    },
    onResult: meter.slept,
  })
}
