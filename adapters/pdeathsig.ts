import { accessSync, constants } from 'node:fs'
import { delimiter, isAbsolute, join } from 'node:path'

/** Where `program` is on `path`, or null. A name with a slash is taken as it is. */
export function findProgram(program: string, path = process.env.PATH ?? ''): string | null {
  const candidates =
    isAbsolute(program) || program.includes('/')
      ? [program]
      : path.split(delimiter).map((folder) => join(folder, program))
  for (const candidate of candidates)
    try {
      accessSync(candidate, constants.X_OK)
      return candidate
    } catch {
      // the next folder may have it
    }
  return null
}

/**
 * A command line that gets `signal` from the kernel when the process that spawned it is gone, even by SIGKILL
 * (prctl(2), PR_SET_PDEATHSIG). Where setpriv of util-linux is missing, the command as it is: its parent must end it.
 */
export function tieToParent(command: readonly string[], signal: 'KILL' | 'TERM'): string[] {
  const setpriv = process.platform === 'linux' ? findProgram('setpriv') : null
  return setpriv ? [setpriv, '--pdeathsig', signal, '--', ...command] : [...command]
}
