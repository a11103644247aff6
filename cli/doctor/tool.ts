import { execFile } from 'node:child_process'
import { delimiter } from 'node:path'
import { codeOf } from '../failure.ts'

/** Where Debian and others keep daemons and iptables; not on everybody's PATH. */
const SYSTEM = ['/usr/local/sbin', '/usr/sbin', '/sbin']

/** Runs a program to the end, ten seconds at most. `code` is null if it is not there or did not end by itself. */
export async function runTool(
  file: string,
  args: string[],
): Promise<{ code: number | null; output: string; missing: boolean }> {
  const env = { ...process.env, PATH: [process.env.PATH ?? '', ...SYSTEM].join(delimiter) }
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
