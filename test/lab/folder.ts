import { chmod, mkdtemp } from 'node:fs/promises'
import { join } from 'node:path'
import { currentRun } from './run.ts'

/**
 * A new empty folder, open to programs that give up root, such as nginx's workers. Removing it early is polite;
 * whatever is left goes with the run. Short, so that unix sockets (at most 107 bytes of path) fit in.
 */
export async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(currentRun().folder, 'folders', 't-'))
  await chmod(folder, 0o755)
  return folder
}
