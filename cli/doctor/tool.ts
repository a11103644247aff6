import { execFile } from 'node:child_process'
import { searchPath } from '../../adapters/command.ts'
import { codeOf } from '../failure.ts'

/** Runs a program to the end, ten seconds at most. `code` is null if it is not there or did not end by itself. */
export async function runTool(
  file: string,
  args: string[],
): Promise<{ code: number | null; output: string; missing: boolean }> {
  const env = { ...process.env, PATH: searchPath() }
  return new Promise((resolve) => {
    execFile(
      file,
      args,
      { env, timeout: 10_000, maxBuffer: 1024 ** 2 },
      (error, stdout, stderr) => {
        const output = `${stdout}${stderr}`.trim()
        if (!error) return resolve({ code: 0, output, missing: false })
        const code = typeof error.code === 'number' ? error.code : null
        resolve({ code, output, missing: codeOf(error) === 'ENOENT' })
      },
    )
  })
}
