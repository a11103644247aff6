import { existsSync } from 'node:fs'
import { mkdir, readdir, readFile, rmdir } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { command } from './command.ts'
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
  if (!isUnified() && !existsSync(join(ROOT, 'pids'))) await mountCgroups()
  await mkdir(cgroupOf(run).daemons, { recursive: true })
}

/** Kills every process in the run's cgroups, then removes them. They hold what daemons leave behind: shims and containers. */
export async function removeCgroups(run: Run): Promise<void> {
  const { path } = cgroupOf(run)
  const hierarchies = await readdir(ROOT).catch(() => [])
  const tops = ['', ...hierarchies].map((name) => join(ROOT, name, path)).filter(existsSync)
  for (let round = 0; ; round++) {
    const pids = new Set((await Promise.all(tops.map(processesIn))).flat())
    if (pids.size === 0) break
    if (round === 500) throw new Error(`processes ${[...pids].join()} in ${path} do not die`)
    for (const pid of pids) {
      try {
        process.kill(pid, 'SIGKILL')
      } catch {
        // It was quicker.
      }
    }
    await delay(10)
  }
  for (const top of tops) await removeTree(top)
}

/** Cgroup files cannot be unlinked: the folders go, deepest first. */
async function removeTree(folder: string): Promise<void> {
  for (const child of await foldersIn(folder)) await removeTree(child)
  for (let round = 0; ; round++) {
    try {
      return await rmdir(folder)
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException
      if (code === 'ENOENT') return
      // A killed process leaves its cgroup a moment after it is gone from the list.
      if (code !== 'EBUSY' || round === 200) throw error
      await delay(10)
    }
  }
}

async function processesIn(folder: string): Promise<number[]> {
  const text = await readFile(join(folder, 'cgroup.procs'), 'utf8').catch(() => '')
  const own = text.split('\n').filter(Boolean).map(Number)
  const below = await Promise.all((await foldersIn(folder)).map(processesIn))
  return [...own, ...below.flat()]
}

async function foldersIn(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => [])
  return entries.filter((entry) => entry.isDirectory()).map((entry) => join(folder, entry.name))
}

async function mountCgroups(): Promise<void> {
  if ((await readFile('/proc/filesystems', 'utf8')).includes('cgroup2')) {
    await command('mount', '-t', 'cgroup2', 'cgroup2', ROOT)
    return
  }
  await command('mount', '-t', 'tmpfs', '-o', 'mode=0755', 'cgroup', ROOT)
  const lines = (await readFile('/proc/cgroups', 'utf8')).trim().split('\n').slice(1)
  for (const [name = '', , , enabled] of lines.map((line) => line.split('\t'))) {
    if (enabled !== '1') continue
    await mkdir(join(ROOT, name), { recursive: true })
    await command('mount', '-t', 'cgroup', '-o', name, 'cgroup', join(ROOT, name))
  }
}
