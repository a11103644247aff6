import { readdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { removeCgroups } from './cgroup.ts'
import { removeMounts } from './mount.ts'
import { removeNetwork } from './network.ts'
import { killSession } from './part.ts'
import { bornAt } from './process-table.ts'
import type { Run } from './run.ts'

/**
 * Removes everything a run made, in whatever state it was left: processes, containers, the network,
 * cgroups, files. The one way a run ends: by its owner, or by a later run when the owner was killed.
 * Only disks of their own are mounted in the machine's view: an engine's mounts end with its processes.
 */
export async function sweep(run: Run): Promise<void> {
  const sessions = join(run.folder, 'sessions')
  for (const name of await readdir(sessions).catch(() => [])) {
    const born = await readFile(join(sessions, name), 'utf8').catch(() => '')
    // The leader may be gone while its children live; if its pid lives with another birth, it is somebody else's.
    const now = await bornAt(Number(name))
    if (now === null || now === born) await killSession(Number(name))
  }
  await removeCgroups(run)
  await removeNetwork(run)
  await removeMounts(run.folder)
  await rm(run.folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 })
}
