import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { bornAt } from './process-table.ts'
import { sweep } from './sweep.ts'

/** All runs of all checkouts of this machine meet here, so that none takes another's number. */
const RUNS = join(tmpdir(), 'reveille-lab')
const SLOTS = 64
/** How the processes of one run find its folder: set by `openRun`, inherited by vitest's workers. */
const VARIABLE = 'REVEILLE_LAB'

/** One run of the tests: a folder for everything it makes, and a number that keeps its networks apart. */
export interface Run {
  folder: string
  slot: number
}

/** The run this process belongs to. Throws outside of one: the lab's parts must be cleaned by somebody. */
export function currentRun(): Run {
  const folder = process.env[VARIABLE]
  if (folder === undefined) throw new Error('no lab run is open: start tests through vitest')
  return { folder, slot: Number(folder.slice(folder.lastIndexOf('/') + 1)) }
}

/**
 * Opens a run owned by this process, after removing what dead runs left. Within one process tree
 * there is one run: the second call joins it and its `close` does nothing.
 */
export async function openRun(): Promise<{ run: Run; close(): Promise<void> }> {
  if (process.env[VARIABLE] !== undefined) return { run: currentRun(), close: async () => {} }
  await mkdir(RUNS, { recursive: true })
  await sweepDeadRuns()
  const run = await claim()
  process.env[VARIABLE] = run.folder
  return {
    run,
    close: async () => {
      delete process.env[VARIABLE]
      await sweep(run)
    },
  }
}

/** Removes every run whose owner no longer lives, however it died. */
export async function sweepDeadRuns(): Promise<void> {
  for (const name of await readdir(RUNS).catch(() => [])) {
    const run = { folder: join(RUNS, name), slot: Number(name) }
    if (!(await isOwned(run))) await sweep(run)
  }
}

/** Takes the first free number: making a folder is the one step only one process can win. */
async function claim(): Promise<Run> {
  for (let slot = 1; slot <= SLOTS; slot++) {
    const folder = join(RUNS, String(slot))
    try {
      await mkdir(folder)
    } catch {
      continue
    }
    await writeFile(join(folder, 'owner'), `${process.pid} ${await bornAt(process.pid)}`)
    await Promise.all(['folders', 'sessions'].map((name) => mkdir(join(folder, name))))
    return { folder, slot }
  }
  throw new Error(`all ${SLOTS} lab runs of this machine are taken: see ${RUNS}`)
}

/** Whether the owner lives. A pid alone says little, it is used again: its birth must fit too. */
async function isOwned(run: Run): Promise<boolean> {
  const owner = await readFile(join(run.folder, 'owner'), 'utf8').catch(() => '')
  const [pid, born] = owner.split(' ')
  if (born !== undefined) return (await bornAt(Number(pid))) === born
  // Claimed just now: its owner has yet to write its name.
  const { mtimeMs } = await stat(run.folder).catch(() => ({ mtimeMs: 0 }))
  return Date.now() - mtimeMs < 5_000
}
