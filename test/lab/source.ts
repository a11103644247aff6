import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { once } from 'node:events'
import type { Readable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { afterAll } from 'vitest'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))

export interface Spoken {
  out: string
  err: string
}

/** A process that tells what it says, and how it ends. */
export interface SourceProcess {
  child: ChildProcessByStdio<null, Readable, Readable>
  /** all of it so far */
  output: Spoken
  ended: Promise<Spoken & { code: number | null; signal: NodeJS.Signals | null }>
}

/**
 * Gives what runs a program of this project from its source, as a process of its own with `env` over ours; what is left of
 * them after the tests of the file is killed.
 */
export function sourceRunner(): (argv: string[], env?: NodeJS.ProcessEnv) => SourceProcess {
  const children: SourceProcess['child'][] = []
  afterAll(() => {
    for (const child of children) if (child.exitCode === null) child.kill('SIGKILL')
  })
  return (argv, env = {}) => {
    const child = spawn(process.execPath, ['--import', 'tsx', ...argv], {
      cwd: ROOT,
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    children.push(child)
    const output = { out: '', err: '' }
    child.stdout.on('data', (chunk: Buffer) => {
      output.out += chunk
    })
    child.stderr.on('data', (chunk: Buffer) => {
      output.err += chunk
    })
    const ended = once(child, 'close').then(([code, signal]) => ({ code, signal, ...output }))
    return { child, output, ended }
  }
}
