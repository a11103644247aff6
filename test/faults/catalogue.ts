import type { Fault } from './fault.ts'
import { thunderingHerd } from './p01-thundering-herd.ts'
import { wakeIdleRace } from './p02-wake-idle-race.ts'
import { drainOnStop } from './p03-drain-on-stop.ts'
import { rollingReplace } from './p04-rolling-replace.ts'
import { leaderKilled } from './p05-leader-killed.ts'
import { quorumLost } from './p06-quorum-lost.ts'
import { etcdEmpty } from './p07-etcd-empty.ts'
import { zombieLease } from './p08-zombie-lease.ts'
import { portReuse } from './p09-port-reuse.ts'
import { engineHangs } from './p10-engine-hangs.ts'
import { eventsDead } from './p11-events-dead.ts'
import { hostPartition } from './p12-host-partition.ts'
import { diskFull } from './p17-disk-full.ts'
import { flapping } from './p18-flapping.ts'

/** All faults, in the order in which they run. */
export const CATALOGUE: readonly Fault[] = [
  thunderingHerd,
  wakeIdleRace,
  drainOnStop,
  rollingReplace,
  leaderKilled,
  quorumLost,
  etcdEmpty,
  zombieLease,
  portReuse,
  engineHangs,
  eventsDead,
  hostPartition,
  diskFull,
  flapping,
]

/** Those with these ids, or all. Throws if there is none of that id. */
export function faultsOf(ids: readonly string[]): Fault[] {
  const known = CATALOGUE.map(({ id }) => id)
  for (const id of ids)
    if (!known.includes(id)) throw new Error(`no fault ${id}; there are ${known.join(', ')}`)
  return CATALOGUE.filter(({ id }) => ids.length === 0 || ids.includes(id))
}
