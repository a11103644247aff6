import { type ChildProcess, spawn } from 'node:child_process'
import type { Readable } from 'node:stream'
import { findProgram, tieToParent } from './pdeathsig.ts'
import type { Stream } from './process-engine-output.ts'

/** A program is not there or may not be run. In Docker's words, with the exit code Docker notes. */
export class NotStartable extends Error {
  readonly exitCode: 126 | 127

  constructor(exitCode: 126 | 127, message: string) {
    super(message)
    this.exitCode = exitCode
  }
}

/**
 * Starts a command in a group of its own: it is stopped with all it started, and not by a Ctrl-C meant for us.
 * @throws NotStartable
 */
export async function startChild(
  command: readonly string[],
  options: { cwd: string; env: Record<string, string> },
  onOutput: (stream: Stream, chunk: Buffer) => void,
): Promise<ChildProcess> {
  const [program = '', ...args] = command
  const path = findProgram(program, options.env.PATH)
  if (!path) throw new NotStartable(127, `exec: "${program}": executable file not found in $PATH`)
  const [file = '', ...rest] = tieToParent([path, ...args], 'KILL')
  const stdio = ['ignore', 'pipe', 'pipe'] as const
  const child = spawn(file, rest, { ...options, stdio: [...stdio], detached: true })
  const read = (stream: Stream, source: Readable | null): void =>
    void source?.on('data', (chunk: Buffer) => onOutput(stream, chunk))
  read(1, child.stdout)
  read(2, child.stderr)
  await new Promise<void>((resolve, reject) => {
    child.once('spawn', resolve)
    child.once('error', (error) => reject(new NotStartable(126, error.message)))
  })
  return child
}

/** Signals a child and all it started; that they are gone is fine. */
export function signalGroup(child: ChildProcess, signal: NodeJS.Signals): void {
  if (child.pid === undefined) return
  try {
    process.kill(-child.pid, signal)
  } catch {
    // they are gone
  }
}
