import { readFile } from 'node:fs/promises'
import { basename } from 'node:path'
import { readText } from './files.ts'

/** The master process named by a pid file, null if it does not run. Another program with its number does not count. */
async function master(pidFile: string): Promise<number | null> {
  const pid = Number((await readText(pidFile))?.trim() || Number.NaN)
  if (!Number.isInteger(pid) || pid < 2) return null
  const command = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')
  const [program = '', ...args] = command.split('\0')
  return basename(program) === 'haproxy' && args.some((arg) => arg.startsWith('-W')) ? pid : null
}

export async function isHaproxyRunning(pidFile: string): Promise<boolean> {
  return (await master(pidFile)) !== null
}

/**
 * Makes HAProxy read its file again: new workers take the listening sockets over from the old ones, which finish what
 * they have. A file it does not take leaves the old ones as they are. Rejects if no master (`-W`) runs.
 */
export async function reloadHaproxy(pidFile: string): Promise<void> {
  const pid = await master(pidFile)
  if (pid === null) throw new Error(`no haproxy -W runs under the number in ${pidFile}`)
  process.kill(pid, 'SIGUSR2')
}
