import { existsSync, readdirSync } from 'node:fs'
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

/** Shell words that put the shell into a cgroup, which they make, in each hierarchy. */
export function enterCgroup(path: string): string {
  return [ROOT, ...readdirSync(ROOT).map((name) => join(ROOT, name))]
    .map((folder) => {
      const own = join(folder, path)
      // a cpuset starts without CPUs, and takes no process then
      return `if [ -w ${folder}/cgroup.procs ]; then mkdir -p ${own}
for file in cpuset.cpus cpuset.mems; do
  if [ -e ${folder}/$file ]; then cat ${folder}/$file >${join(own, '..')}/$file; cat ${folder}/$file >${own}/$file; fi
done
echo $$ >${own}/cgroup.procs; fi`
    })
    .join('\n')
}
