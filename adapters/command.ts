import { spawn } from 'node:child_process'
import { delimiter } from 'node:path'

/** Where Debian and others keep a proxy's binary; not on everybody's PATH. */
const SYSTEM = ['/usr/local/sbin', '/usr/sbin', '/sbin']
/** Where programs are looked for. */
export const searchPath = () => [process.env.PATH ?? '', ...SYSTEM].join(delimiter)
const TIMEOUT = 30_000

/**
 * Runs an operator's command line in bash, `{{candidate}}` in it replaced by the quoted path. Rejects with the
 * command's own last words, in one line, if it does not end well within 30 s. By hand and not by zx, which leaves an
 * AsyncLocalStorage behind: from the first command on each promise of the process costs four times as much.
 */
export function runCommand(line: string, candidate = ''): Promise<void> {
  const script = line.replaceAll('{{candidate}}', () => quote(candidate))
  return new Promise((resolve, reject) => {
    const child = spawn('bash', ['-c', `set -euo pipefail; ${script}`], {
      // Bash takes a socket as its input for a remote login and runs ~/.bashrc first, which is not ours to wait for.
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, PATH: searchPath(), BASH_ENV: '' },
      detached: true, // with all that it starts it is one group, which ends as one
    })
    const said = { stdout: '', stderr: '' }
    for (const name of ['stdout', 'stderr'] as const)
      child[name].setEncoding('utf8').on('data', (text: string) => {
        said[name] += text
      })
    const timer = setTimeout(() => endGroup(child.pid), TIMEOUT)
    child.on('error', reject)
    child.on('close', (code, signal) => {
      clearTimeout(timer)
      if (code === 0) return resolve()
      const words = lastWords(said.stderr || said.stdout)
      reject(new Error(words || `ended with ${code ?? signal}`))
    })
  })
}

/** One word for a shell. One that needs no quotes has none, as there may be some around it. */
function quote(text: string): string {
  return /^[\w/.@:=-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`
}

function endGroup(pid: number | undefined): void {
  try {
    if (pid !== undefined) process.kill(-pid, 'SIGTERM')
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
