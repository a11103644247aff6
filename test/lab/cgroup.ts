import { existsSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { clearCgroup, mountCgroups } from '../../cli/embedded/cgroup.ts'
import type { Run } from './run.ts'

const ROOT = '/sys/fs/cgroup'
const isUnified = () => existsSync(join(ROOT, 'cgroup.controllers'))

/**
 * A cgroup of the run, or of one machine in it: `daemons` for programs, `containers` for what an engine runs. A
 * machine's is inside the run's.
 */
export function cgroupOf(run: Run, machine = ''): { path: string; daemons: string } {
  const path = join(`/reveille-lab-${run.slot}`, machine)
  return { path, daemons: join(ROOT, isUnified() ? '' : 'pids', path, 'daemons') }
}

/** Makes the cgroup. Mounts the cgroup file systems first on a machine that has none (no systemd); those stay. */
export async function makeCgroups(run: Run, machine = ''): Promise<void> {
  mountCgroups()
  await mkdir(cgroupOf(run, machine).daemons, { recursive: true })
}

/** Kills every process in the cgroups, then removes them. They hold what daemons leave behind: shims and containers. */
export async function removeCgroups(run: Run, machine = ''): Promise<void> {
  await clearCgroup(cgroupOf(run, machine).path)
}
