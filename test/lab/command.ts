import { execFile } from 'node:child_process'
import { promisify } from 'node:util'

const execute = promisify(execFile)

/** Runs a command to its end and gives its stdout. Throws with its stderr when it fails. */
export async function command(file: string, ...args: string[]): Promise<string> {
  const { stdout } = await execute(file, args, { timeout: 60_000, maxBuffer: 16 * 1024 * 1024 })
  return stdout
}
