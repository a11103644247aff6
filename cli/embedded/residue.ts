import { existsSync, readdirSync, rmdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Failure } from '../failure.ts'
import { placesOf } from './dockerd.ts'
import { former } from './engine.ts'
import { ownerOf } from './folders.ts'
import { removeFootprint } from './footprint.ts'

/** The file that says that everything of ours in a state folder is a demo's. Only an empty folder ever gets it. */
const MARK = 'demo'
/**
 * What `up` and its services keep in a state folder, and what a launcher leaves that is killed as it makes its token.
 * Anything else is somebody's own, and stays.
 */
const OURS = /^(?:etcd|engine|token(?:\.[0-9a-f]{12})?|demo)$/

/** Marks a state folder, in which nothing is yet, as that of a demo. */
export function markDemo(stateDir: string): void {
  writeFileSync(join(stateDir, MARK), 'what is in this folder is of a demo and may be removed\n')
}

/** Whether a demo that was killed left its state there. */
export function isLeftover(stateDir: string): boolean {
  return existsSync(join(stateDir, MARK)) && ownerOf(stateDir) === null
}

/** The mark goes last: what is interrupted here is still a demo's. */
function empty(stateDir: string): void {
  const ours = readdirSync(stateDir).filter((name) => OURS.test(name) && name !== MARK)
  for (const name of [...ours, MARK]) rmSync(join(stateDir, name), { recursive: true, force: true })
}

/** Removes a demo's state, and the folder if nothing else is in it; not while an `up` has it. */
export function removeDemo(stateDir: string): void {
  if (!existsSync(stateDir) || ownerOf(stateDir) !== null) return
  empty(stateDir)
  if (readdirSync(stateDir).length === 0) rmdirSync(stateDir)
}

/**
 * Removes what a demo that was killed left in folders that are ours now; real state has no mark, and is not touched.
 * Returns whether there was something.
 * @throws Failure if it cannot be removed
 */
export async function clearResidue(stateDir: string, runDir: string): Promise<boolean> {
  if (!existsSync(join(stateDir, MARK))) return false
  try {
    await former(runDir) // its engine may still be ending
    const places = placesOf(stateDir, runDir)
    if (existsSync(places.data)) await removeFootprint(places)
    empty(stateDir)
    return true
  } catch (error) {
    throw new Failure(
      `cannot remove what a demo left in ${stateDir}: ${(error as Error).message}`,
      ['Remove that folder, or name another with --state-dir.'],
    )
  }
}
