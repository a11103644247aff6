import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { cgroupOf } from './cgroup.ts'
import { command } from './command.ts'
import { mountsBelow } from './mount.ts'
import { networkOf } from './network.ts'
import { processTable } from './process-table.ts'
import type { Run } from './run.ts'

const CGROUPS = '/sys/fs/cgroup'

/** Everything of a run that can be seen on this machine, sorted: processes, links, cgroups, mounts, files it must not leave. */
export async function traces(run: Run): Promise<string[]> {
  const { bridge } = networkOf(run)
  const { path } = cgroupOf(run)
  const rows = (await processTable()).filter(({ zombie }) => !zombie)
  const ours = rows.map(({ pid }) => about(pid)).filter((text) => isOf(run, path, text))
  const links = (await command('ip', '-o', 'link', 'show'))
    .split('\n')
    .map((line) => line.split(' ')[1] ?? '')
    .filter((name) => name.startsWith(`${bridge}:`) || name.startsWith(`${bridge}-`))
  const cgroups = ['', ...readdirSync(CGROUPS)]
    .map((top) => join(CGROUPS, top, path))
    .flatMap((folder) => (existsSync(folder) ? [folder, ...foldersIn(folder)] : []))
  const files = existsSync(run.folder)
    ? readdirSync(run.folder).map((name) => join(run.folder, name))
    : []
  const mounts = await mountsBelow(run.folder)
  return [...ours, ...links, ...cgroups, ...files, ...mounts].sort()
}

/** A process's command line and the cgroups it is in. */
function about(pid: number): string {
  try {
    const words = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ')
    return `${words}\n${readFileSync(`/proc/${pid}/cgroup`, 'utf8')}`
  } catch {
    return '' // it has just ended
  }
}

const isOf = (run: Run, cgroup: string, text: string) =>
  text.includes(`${run.folder}/`) || text.includes(`${cgroup}/`)

function foldersIn(folder: string): string[] {
  const found = readdirSync(folder, { withFileTypes: true }).filter((entry) => entry.isDirectory())
  return found.map((entry) => join(folder, entry.name))
}
