import { mkdtemp } from 'node:fs/promises'
import { join } from 'node:path'
import { currentRun } from './run.ts'

/**
 * A new empty folder. Removing it early is polite; whatever is left goes with the run.
 * Short, so that unix sockets (at most 107 bytes of path) fit in.
 */
export function temporaryFolder(): Promise<string> {
  return mkdtemp(join(currentRun().folder, 'folders', 't-'))
}
