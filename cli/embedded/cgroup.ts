import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'

const ROOT = '/sys/fs/cgroup'

function isMounted(): boolean {
  return existsSync(join(ROOT, 'cgroup.controllers')) || existsSync(join(ROOT, 'pids'))
}

/**
 * Mounts the cgroup file systems on a machine that has none (no systemd). Returns what it mounted, in this order.
 * @throws Error where that is not allowed; nothing stays mounted then
 */
export function mountCgroups(): string[] {
  if (isMounted()) return []
  const mounted: string[] = []
  const mount = (folder: string, ...args: string[]): void => {
    execFileSync('mount', [...args, 'cgroup', folder], { stdio: 'pipe' })
    mounted.push(folder)
  }
  try {
    if (readFileSync('/proc/filesystems', 'utf8').includes('cgroup2')) mount(ROOT, '-t', 'cgroup2')
    else {
      mount(ROOT, '-t', 'tmpfs', '-o', 'mode=0755')
      for (const name of hierarchies()) {
        mkdirSync(join(ROOT, name), { recursive: true })
        mount(join(ROOT, name), '-t', 'cgroup', '-o', name)
      }
    }
  } catch (error) {
    for (const folder of mounted.reverse()) execFileSync('umount', [folder], { stdio: 'pipe' })
    throw error
  }
  return mounted
}

/** The controllers of the first version of cgroups that this kernel has. */
function hierarchies(): string[] {
  const lines = readFileSync('/proc/cgroups', 'utf8').trim().split('\n').slice(1)
  return lines
    .map((line) => line.split('\t'))
    .filter(([, , , enabled]) => enabled === '1')
    .map(([name = '']) => name)
}

function foldersIn(folder: string): string[] {
  try {
    const entries = readdirSync(folder, { withFileTypes: true })
    return entries.filter((entry) => entry.isDirectory()).map((entry) => join(folder, entry.name))
  } catch {
    return []
  }
}

function processesIn(folder: string): number[] {
  let own: number[] = []
  try {
    const text = readFileSync(join(folder, 'cgroup.procs'), 'utf8')
    own = text.split('\n').filter(Boolean).map(Number)
  } catch {
    // no such hierarchy, or it has just gone
  }
  return [...own, ...foldersIn(folder).flatMap(processesIn)]
}

/** Where cgroups are of the first version, what is frozen (a paused container) is not even killed before it is let go on. */
function thaw(folder: string): void {
  const file = join(folder, 'freezer.state')
  try {
    if (existsSync(file)) writeFileSync(file, 'THAWED')
  } catch {
    // it has just gone
  }
  foldersIn(folder).forEach(thaw)
}

/** Cgroup files cannot be unlinked: folders go, deepest first. One that is busy for a moment is tried again. */
async function removeTree(folder: string): Promise<void> {
  for (const child of foldersIn(folder)) await removeTree(child)
  for (let round = 0; round < 100 && existsSync(folder); round++)
    try {
      rmdirSync(folder)
    } catch {
      await delay(20)
    }
}

/** Kills whatever is left in a cgroup and removes it, in every hierarchy. Bounded to some seconds. */
export async function clearCgroup(path: string): Promise<void> {
  const tops = [ROOT, ...foldersIn(ROOT)]
    .map((top) => join(top, path))
    .filter((top) => existsSync(top))
  for (let round = 0; round < 200; round++) {
    const pids = new Set(tops.flatMap(processesIn))
    if (pids.size === 0) break
    for (const pid of pids)
      try {
        process.kill(pid, 'SIGKILL')
      } catch {
        // it was quicker
      }
    tops.forEach(thaw)
    await delay(20)
  }
  for (const top of tops) await removeTree(top)
}
