import { readdir, rm } from 'node:fs/promises'
import { removeCgroups } from '../cgroup.ts'
import { removeMounts } from '../mount.ts'
import { unplug } from '../network.ts'
import type { Run } from '../run.ts'

/**
 * Removes the machines whose disks are in this folder, and the folder: of a fleet at its end, or of one whose test file
 * ended without.
 */
export async function clearRemains(run: Run, folder: string): Promise<void> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => [])
  const names = entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name)
  await Promise.all(
    names.map(async (name) => {
      await unplug(run, { name })
      await removeCgroups(run, name)
    }),
  )
  await removeMounts(folder)
  await rm(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 })
}
