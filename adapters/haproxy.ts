import { readFile } from 'node:fs/promises'
import { connect } from 'node:net'
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

/** What HAProxy says of a command that it has done. */
const DONE = /^(?:New server registered\.|Server deleted\.)?$/

/**
 * Tells a running HAProxy one command, by its stats socket. Rejects with its words unless it has done it, and if it does
 * not answer within 5 s.
 */
export function tellHaproxy(socketFile: string, command: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect(socketFile)
    socket.setTimeout(5000, () => socket.destroy(new Error('its socket is silent')))
    let text = ''
    socket.setEncoding('utf8')
    socket.on('error', reject)
    socket.on('data', (part: string) => {
      text = (text + part).slice(0, 1000)
    })
    socket.on('end', () => {
      if (DONE.test(text.trim())) resolve()
      else reject(new Error(`${command}: ${text.trim().replaceAll(/\s+/g, ' ')}`))
    })
    socket.write(`${command}\n`)
  })
}
