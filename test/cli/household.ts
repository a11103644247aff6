import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Part, startPart } from '../lab/part.ts'
import { freePort } from '../lab/port.ts'
import { processTable } from '../lab/process-table.ts'

const MAIN = join(import.meta.dirname, '../../dist/cli/main.js')

/** A `reveille up` with all its children, on ports and in folders of its own. */
export interface Household {
  part: Part
  /** process id of `up` itself */
  pid: number
  origin: string
  stateDir: string
  runDir: string
  /** its command line, to be started once more */
  flags: string[]
}

function commandLine(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ')
  } catch {
    return ''
  }
}

/** Flags for an `up` that meets no other on this machine. */
export async function flagsFor(folder: string): Promise<string[]> {
  const names = ['listen', 'wake-listen', 'api-listen', 'controller-admin', 'registrar-admin']
  const flags = ['--state-dir', join(folder, 'state'), '--run-dir', join(folder, 'run')]
  for (const name of [...names, 'activity-listen'])
    flags.push(`--${name}`, `127.0.0.1:${await freePort()}`)
  return flags
}

export const valueOf = (flags: string[], name: string): string =>
  flags[flags.indexOf(`--${name}`) + 1] ?? ''

/** Starts `up` and waits until it says that all is up. `wrapper` runs it: in another network namespace, say. */
export async function startHousehold(flags: string[], wrapper: string[] = []): Promise<Household> {
  const [file = '', ...args] = [...wrapper, process.execPath, MAIN, 'up', ...flags]
  const part = await startPart(file, args)
  await part.until(async () => part.output.includes('Reveille is up'), 60_000)
  const up = (await processTable()).find(
    ({ pid, session }) => session === part.pid && commandLine(pid).includes(`${MAIN} up`),
  )
  return {
    part,
    pid: up?.pid ?? part.pid,
    origin: `http://${valueOf(flags, 'listen')}`,
    stateDir: valueOf(flags, 'state-dir'),
    runDir: valueOf(flags, 'run-dir'),
    flags,
  }
}

/** Processes below one, at any depth, as far as they live. */
export async function descendants(root: number): Promise<number[]> {
  const rows = (await processTable()).filter((row) => !row.zombie)
  const found: number[] = []
  for (let level = [root]; level.length > 0; ) {
    level = rows.filter((row) => level.includes(row.parent)).map((row) => row.pid)
    found.push(...level)
  }
  return found
}

/** The descendant whose command line holds `text`. */
export async function childOf(root: number, text: string): Promise<number> {
  const pid = (await descendants(root)).find((pid) => commandLine(pid).includes(text))
  if (pid === undefined) throw new Error(`no ${text} below ${root}`)
  return pid
}

/** Those that still run. */
export async function living(pids: readonly number[]): Promise<string[]> {
  const rows = await processTable()
  return rows
    .filter((row) => pids.includes(row.pid) && !row.zombie)
    .map((row) => `${row.pid} ${commandLine(row.pid)}`)
}
