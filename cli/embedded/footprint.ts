import { execFileSync } from 'node:child_process'
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { dirname } from 'node:path'
import { clearCgroup, mountCgroups } from './cgroup.ts'
import type { DockerdPlaces } from './dockerd.ts'
import { undoRules } from './iptables.ts'

/** What an engine changes on its machine, as it was before. */
interface Before {
  links: string[]
  iptables: string
  forwarding: string
  /** folders of {@link FIXED} that did not exist; another engine's are not empty, and stay */
  missing: string[]
  /** cgroup file systems we mounted */
  mounted: string[]
}

const FORWARDING = '/proc/sys/net/ipv4/ip_forward'
/** Where containerd puts its shims' sockets, and dockerd looks for plugins, wherever their own state is. */
const FIXED = ['/run/containerd', '/run/containerd/s', '/run/docker', '/run/docker/plugins']

function run(file: string, args: string[], input?: string): string {
  return execFileSync(file, args, { encoding: 'utf8', input, stdio: 'pipe', timeout: 30_000 })
}

/** What can fail while cleaning up must not keep the rest from being cleaned up. */
function attempt(action: () => void): void {
  try {
    action()
  } catch {
    // it is gone already, or not ours to remove
  }
}

/** The links of our network namespace; /sys may show those of another one. */
function links(): string[] {
  const lines = readFileSync('/proc/self/net/dev', 'utf8').split('\n').slice(2)
  return lines.map((line) => line.split(':')[0]?.trim() ?? '').filter(Boolean)
}

/**
 * Notes how the machine is, once: what an engine that was killed left behind is not what was before.
 * @throws Error where cgroups or iptables cannot be used: no engine can run here
 */
export function noteBefore(places: DockerdPlaces): void {
  mkdirSync(places.run, { recursive: true, mode: 0o700 })
  if (existsSync(places.before)) return
  const before: Before = {
    links: links(),
    iptables: run('iptables-save', []),
    forwarding: readFileSync(FORWARDING, 'utf8').trim(),
    missing: FIXED.filter((folder) => !existsSync(folder)),
    mounted: mountCgroups(),
  }
  writeFileSync(places.before, JSON.stringify(before))
}

/** Shims outlive their containerd, so that it can be restarted; they name its socket. */
function killShims(places: DockerdPlaces): void {
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name)))
    attempt(() => {
      const words = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0')
      if (words[0]?.includes('containerd-shim') && words.includes(places.containerd))
        process.kill(Number(pid), 'SIGKILL')
    })
}

/** Mount points below a folder, deepest first. Blanks in /proc/mounts are written `\040`. */
function mountsBelow(folder: string): string[] {
  return readFileSync('/proc/self/mounts', 'utf8')
    .split('\n')
    .map((line) => (line.split(' ')[1] ?? '').replaceAll('\\040', ' '))
    .filter((point) => point.startsWith(`${folder}/`))
    .sort()
    .reverse()
}

/** Leaves the machine as {@link noteBefore} found it, but for the engine's data. Nothing of the engine runs any more. */
export async function removeFootprint(places: DockerdPlaces): Promise<void> {
  killShims(places)
  await clearCgroup(places.cgroup)
  for (const folder of [places.run, places.data])
    for (const point of mountsBelow(folder)) attempt(() => void run('umount', ['-l', point]))
  if (existsSync(places.before)) restore(JSON.parse(readFileSync(places.before, 'utf8')) as Before)
  rmSync(places.run, { recursive: true, force: true })
  rmSync(places.socket, { force: true })
}

function restore(before: Before): void {
  for (const link of links())
    if (!before.links.includes(link) && /^(?:docker0|br-[0-9a-f]{12})$/.test(link))
      attempt(() => void run('ip', ['link', 'delete', link]))
  attempt(() => {
    const undo = undoRules(before.iptables, run('iptables-save', []))
    if (undo !== '') run('iptables-restore', ['--noflush'], undo)
  })
  attempt(() => {
    if (readFileSync(FORWARDING, 'utf8').trim() !== before.forwarding)
      writeFileSync(FORWARDING, before.forwarding)
  })
  for (const folder of before.missing.toReversed()) attempt(() => rmdirSync(folder))
  for (const point of before.mounted.toReversed()) attempt(() => void run('umount', [point, '-l']))
}

/** Makes the folders an engine's files go to. */
export function makePlaces(places: DockerdPlaces): void {
  for (const folder of [places.data, places.run, dirname(places.socket)])
    mkdirSync(folder, { recursive: true, mode: 0o711 })
}
