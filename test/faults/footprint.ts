import { readdir, readFile } from 'node:fs/promises'

/** What one process of ours takes. */
export interface Usage {
  /** open files */
  files: number
  /** resident memory, bytes */
  memory: number
}

/** What I7 compares before and after. */
export interface Footprint {
  /** by process: `launcher l1`, `nginx g1` (its master) */
  processes: ReadonlyMap<string, Usage>
  /** by what it counts: `held requests of l1`, `watchers`, `leases`, `containers on h1`, `nginx workers of g1` */
  counts: ReadonlyMap<string, number>
}

const SHARE = 0.05
/** Connections to etcd's members: each process has those it needs just now, and others after a member has failed it. */
const CONNECTIONS = 3
const MEMORY = 20 * 1024 ** 2

/**
 * I7: in the end it is what it was: counts +-5 %, open files at most 5 % (or a connection to each member of
 * etcd) and memory at most 20 MiB more. (A process that was started anew takes less than one that has worked: that is no leak.)
 * @param plateau by process: memory that it takes while it works. A collected heap gives pages back when it pleases, so
 *   what an idle moment shows says little.
 */
export function growth(
  before: Footprint,
  after: Footprint,
  plateau: ReadonlyMap<string, number> = new Map(),
): string[] {
  const found: string[] = []
  for (const [name, was] of before.processes) {
    const is = after.processes.get(name)
    if (is === undefined) {
      found.push(`I7: ${name} does not run any more`)
      continue
    }
    if (is.files > was.files + Math.max(was.files * SHARE, CONNECTIONS))
      found.push(`I7: ${name} has ${is.files} open files, had ${was.files}`)
    const memory = Math.max(was.memory, plateau.get(name) ?? 0)
    if (is.memory > memory + MEMORY)
      found.push(`I7: ${name} takes ${mib(is.memory)} MiB, took ${mib(memory)}`)
  }
  for (const name of new Set([...before.counts.keys(), ...after.counts.keys()])) {
    const [is, was] = [after.counts.get(name) ?? 0, before.counts.get(name) ?? 0]
    if (Math.abs(is - was) > was * SHARE) found.push(`I7: ${is} ${name}, were ${was}`)
  }
  return found
}

const mib = (bytes: number): number => Math.round(bytes / 1024 ** 2)

/** What every process took most, of all these looks. */
export function most(looks: readonly Footprint[]): ReadonlyMap<string, number> {
  const memory = new Map<string, number>()
  for (const { processes } of looks)
    for (const [name, used] of processes)
      memory.set(name, Math.max(memory.get(name) ?? 0, used.memory))
  return memory
}

/** What a process takes right now; null if it does not run. */
export async function usage(pid: number): Promise<Usage | null> {
  const [files, status] = await Promise.all([
    readdir(`/proc/${pid}/fd`).catch(() => null),
    readFile(`/proc/${pid}/status`, 'utf8').catch(() => ''),
  ])
  const memory = /^VmRSS:\s+(\d+) kB/m.exec(status)?.[1]
  if (files === null || memory === undefined) return null
  return { files: files.length, memory: Number(memory) * 1024 }
}
