import { existsSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { clearCgroup, mountCgroups } from '../../cli/embedded/cgroup.ts'
import type { Run } from './run.ts'

const ROOT = '/sys/fs/cgroup'
const isUnified = () => existsSync(join(ROOT, 'cgroup.controllers'))

/** The cgroup of everything an engine runs: `daemons` for its own processes, `containers` for theirs. */
export function cgroupOf(run: Run): { path: string; daemons: string } {
  const path = `/reveille-lab-${run.slot}`
  return { path, daemons: join(ROOT, isUnified() ? '' : 'pids', path, 'daemons') }
}

/** Makes the run's cgroup. Mounts the cgroup file systems first on a machine that has none (no systemd); those stay. */
export async function makeCgroups(run: Run): Promise<void> {
  mountCgroups()
  await mkdir(cgroupOf(run).daemons, { recursive: true })
}

/** Kills every process in the run's cgroups, then removes them. They hold what daemons leave behind: shims and containers. */
export async function removeCgroups(run: Run): Promise<void> {
  await clearCgroup(cgroupOf(run).path)
}
