import { delimiter } from 'node:path'
import { $ } from 'zx'

/** Where Debian and others keep a proxy's binary; not on everybody's PATH. */
const SYSTEM = ['/usr/local/sbin', '/usr/sbin', '/sbin']
/** Where programs are looked for. */
export const searchPath = () => [process.env.PATH ?? '', ...SYSTEM].join(delimiter)
const TIMEOUT = '30s'

/**
 * Runs an operator's command line in a shell, `{{candidate}}` in it replaced by the quoted path. Rejects with the
 * command's own last words, in one line, if it does not end well within 30 s.
 */
export async function runCommand(line: string, candidate = ''): Promise<void> {
  const pieces = line.split('{{candidate}}')
  const shell = $({
    quiet: true,
    nothrow: true,
    timeout: TIMEOUT,
    // Bash takes a socket as its input for a remote login and runs ~/.bashrc first, which is not ours to wait for.
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, PATH: searchPath(), BASH_ENV: '' },
  })
  const output = await shell(
    Object.assign(pieces, { raw: pieces }),
    ...pieces.slice(1).map(() => candidate),
  )
  if (output.exitCode === 0) return
  throw new Error(
    lastWords(output.stderr || output.stdout) || `ended with ${output.exitCode ?? output.signal}`,
  )
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
