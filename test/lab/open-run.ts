import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { bornAt } from './process-table.ts'
import { currentRun, RUN_VARIABLE, type Run } from './run.ts'
import { sweep } from './sweep.ts'

/** All runs of all checkouts of this machine meet here, so that none takes another's number. */
export const RUNS = join(tmpdir(), 'reveille-lab')
const SLOTS = 64

/**
 * Opens a run owned by this process, after removing what dead runs left. Within one process tree
 * there is one run: the second call joins it and its `close` does nothing.
 */
export async function openRun(): Promise<{ run: Run; close(): Promise<void> }> {
  if (process.env[RUN_VARIABLE] !== undefined) return { run: currentRun(), close: async () => {} }
  const run = await alone(async () => {
    await sweepAll()
    return claim()
  })
  process.env[RUN_VARIABLE] = run.folder
  return {
    run,
    close: async () => {
      delete process.env[RUN_VARIABLE]
      await sweep(run)
    },
  }
}

/** Removes every run whose owner no longer lives, however it died. */
export function sweepDeadRuns(): Promise<void> {
  return alone(sweepAll)
}

async function sweepAll(): Promise<void> {
  await mkdir(RUNS, { recursive: true })
  for (const name of await readdir(RUNS)) {
    const run = { folder: join(RUNS, name), slot: Number(name) }
    if (!(await isOwned(run))) await sweep(run)
  }
}

/** Takes the first free number. */
async function claim(): Promise<Run> {
  const taken = new Set(await readdir(RUNS))
  const slot = Array.from({ length: SLOTS }, (_, index) => index + 1).find(
    (number) => !taken.has(String(number)),
  )
  if (slot === undefined) throw new Error(`all ${SLOTS} lab runs are taken: see ${RUNS}`)
  const folder = join(RUNS, String(slot))
  for (const name of ['folders', 'sessions']) await mkdir(join(folder, name), { recursive: true })
  await writeFile(join(folder, 'owner'), `${process.pid} ${await bornAt(process.pid)}`)
  return { folder, slot }
}

/** Whether the owner lives. A pid alone says little, it is used again: its birth must fit too. */
async function isOwned(run: Run): Promise<boolean> {
  const owner = await readFile(join(run.folder, 'owner'), 'utf8').catch(() => '')
  const [pid, born] = owner.split(' ')
  return born !== undefined && (await bornAt(Number(pid))) === born
}

/** Does `work` while no other process of this machine is in here. The lock is a name the kernel gives to one and frees at its death. */
async function alone<T>(work: () => Promise<T>): Promise<T> {
  const deadline = Date.now() + 60_000
  let lock = await listen('\0reveille-lab')
  while (lock === null) {
    if (Date.now() > deadline) throw new Error('another run of the lab has been starting for 60 s')
    await delay(50)
    lock = await listen('\0reveille-lab')
  }
  try {
    return await work()
  } finally {
    lock.close()
  }
}

function listen(name: string): Promise<Server | null> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(null))
    server.listen(name, () => resolve(server))
  })
}
