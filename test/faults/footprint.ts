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

/** By process, what it takes once it has worked: memory at most, and files at rest. */
export type Plateau = ReadonlyMap<string, Partial<Usage>>

const SHARE = 0.05
/** Connections that come and go: pings of engines, questions to gateways, dials. */
const PASSING = 3
const MEMORY = 20 * 1024 ** 2

/**
 * I7: in the end it is what it was: counts +-5 %, open files at most 5 % (or three) and memory at most 20 MiB more. (A
 * process that was started anew takes less than one that has worked: that is no leak.)
 * @param plateau the same through all runs. For files, so that a few that leak each time add up. For memory, because
 *   a collected heap gives pages back when it pleases, so what an idle moment shows says little.
 */
export function growth(
  before: Footprint,
  after: Footprint,
  plateau: Plateau = new Map(),
): string[] {
  const found: string[] = []
  for (const [name, was] of before.processes) {
    const is = after.processes.get(name)
    if (is === undefined) {
      found.push(`I7: ${name} does not run any more`)
      continue
    }
    const known = plateau.get(name)
    const files = known?.files ?? was.files
    if (is.files > files + Math.max(files * SHARE, PASSING))
      found.push(`I7: ${name} has ${is.files} open files, had ${files}`)
    const memory = Math.max(was.memory, known?.memory ?? 0)
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

/** Of looks at a fleet that works, and at one that rests. */
export function plateauOf(
  working: readonly Footprint[],
  resting: readonly Footprint[] = [],
): Plateau {
  const plateau = new Map<string, Partial<Usage>>()
  const raise = (looks: readonly Footprint[], what: keyof Usage): void => {
    for (const { processes } of looks)
      for (const [name, used] of processes) {
        const known = plateau.get(name)
        plateau.set(name, { ...known, [what]: Math.max(known?.[what] ?? 0, used[what]) })
      }
  }
  raise(working, 'memory')
  raise(resting, 'files')
  return plateau
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
