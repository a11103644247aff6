import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'

/**
 * Tells this machine, and the engine at `engine` on it, from every other one: the same for each process and over
 * restarts of it, another after a reboot. The boot's id is the kernel's own: unlike host name, machine id, files and
 * the engine's id, it is not copied when a machine is cloned.
 */
export async function readIncarnation(engine: string): Promise<string> {
  const files = ['/proc/sys/kernel/random/boot_id', '/etc/machine-id']
  const ids = await Promise.all(files.map((file) => readFile(file, 'utf8').catch(() => '')))
  return createHash('sha256')
    .update(JSON.stringify([...ids, engine]))
    .digest('hex')
    .slice(0, 32)
}
