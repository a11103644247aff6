import { spawn } from 'node:child_process'
import type { Socket } from 'node:net'
import { delimiter } from 'node:path'

/** Where Debian and others keep a proxy's binary; not on everybody's PATH. */
const SYSTEM = ['/usr/local/sbin', '/usr/sbin', '/sbin']
/** Where programs are looked for. */
export const searchPath = () => [process.env.PATH ?? '', ...SYSTEM].join(delimiter)
/** Milliseconds that a command may take. */
const TIMEOUT = 30_000
/** Milliseconds from being asked to end to being killed. */
const MERCY = 2_000
/** Milliseconds for the last words of a command that has ended, as somebody else may hold its output for ever. */
const LAST_WORDS = 500
/** So many characters of its output are kept, the latest. */
const KEPT = 64 * 1024

/**
 * Runs an operator's command line in bash, `{{candidate}}` in it replaced by the quoted path. Rejects with the
 * command's own last words, in one line, if it does not end well within `timeout` milliseconds; it is ended then with
 * all of its group. What it leaves behind as it ends, a proxy say, goes on and is not waited for. By hand and not by
 * zx, which leaves an AsyncLocalStorage behind: from the first command on each promise of the process costs four times
 * as much.
 */
export function runCommand(line: string, candidate = '', timeout = TIMEOUT): Promise<void> {
  const script = line.replaceAll('{{candidate}}', () => quote(candidate))
  return new Promise((resolve, reject) => {
    const child = spawn('bash', ['-c', `set -euo pipefail; ${script}`], {
      // Bash takes a socket as its input for a remote login and runs ~/.bashrc first, which is not ours to wait for.
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, PATH: searchPath(), BASH_ENV: '' },
      detached: true, // with all that it starts it is one group, which ends as one
    })
    const timer = setTimeout(() => {
      reject(new Error(`did not end within ${timeout / 1000} s`))
      endGroup(child.pid, 'SIGTERM')
      setTimeout(() => endGroup(child.pid, 'SIGKILL'), MERCY).unref()
    }, timeout)
    child.on('error', (error) => {
      clearTimeout(timer)
      reject(error)
    })
    const said = { stdout: '', stderr: '' }
    for (const name of ['stdout', 'stderr'] as const)
      child[name].setEncoding('utf8').on('data', (text: string) => {
        said[name] = (said[name] + text).slice(-KEPT)
      })
    child.on('exit', (code, signal) => {
      clearTimeout(timer)
      // Still read, as a full or closed pipe would stop who goes on with it, but no reason for this process to stay.
      for (const pipe of [child.stdout, child.stderr]) (pipe as Socket).unref()
      if (code === 0) return resolve()
      const fail = (): void =>
        reject(new Error(lastWords(said.stderr || said.stdout) || `ended with ${code ?? signal}`))
      const waiting = setTimeout(fail, LAST_WORDS)
      child.on('close', () => {
        clearTimeout(waiting)
        fail()
      })
    })
  })
}

/** One word for a shell. One that needs no quotes has none, as there may be some around it. */
function quote(text: string): string {
  return /^[\w/.@:=-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`
}

function endGroup(pid: number | undefined, signal: NodeJS.Signals): void {
  try {
    if (pid !== undefined) process.kill(-pid, signal)
  } catch {
    // it ended in this moment
  }
}

/** The line that says why, without the time stamp and process number of nginx or HAProxy. */
function lastWords(output: string): string {
  const lines = output.split('\n').filter((line) => line.trim() !== '')
  const reason = lines.find((line) => /\[(?:emerg|alert|error)\]|error/i.test(line)) ?? lines.at(-1)
  return (reason ?? '')
    .replace(/^[\d/]+ [\d:]+ (\[\w+\]) \d+#\d+: /, '$1 ')
    .replace(/^(\[\w+\]) +\(\d+\) : /, '$1 ')
    .trim()
    .slice(0, 500)
}
