import { text } from 'node:stream/consumers'
import type { ReadStream, WriteStream } from 'node:tty'

/** Where a command reads and writes: the real terminal, or what a test puts in its place. */
export interface Terminal {
  out(text: string): void
  err(text: string): void
  /** whether colours are welcome on `out` */
  color: boolean
  /** whether a line of `err` may be drawn over */
  live: boolean
  /** columns */
  width: number
  env: NodeJS.ProcessEnv
  /** all of stdin */
  read(): Promise<string>
  /** aborted by the first Ctrl-C; the second one ends the process at once */
  interrupt(): AbortSignal
}

const COLORS = { red: 31, green: 32, yellow: 33, cyan: 36, dim: 2, bold: 1 } as const
export type Color = keyof typeof COLORS

/** Colours text that is already escaped, where the terminal welcomes it. */
export function paint(terminal: Terminal, color: Color, text: string): string {
  return terminal.color ? `\u001b[${COLORS[color]}m${text}\u001b[0m` : text
}

/**
 * What to do when nobody reads any more (`| head`, a closed window): a process that has something to tidy listens to
 * SIGHUP and gets it, once, as from the kernel; any other ends without a word. Writing on costs nothing.
 */
function onReaderGone(proc: NodeJS.Process): (error: NodeJS.ErrnoException) => void {
  let told = false
  return (error) => {
    if (told) return
    told = true
    if (proc.listenerCount('SIGHUP') === 0) proc.exit(error.code === 'EPIPE' ? 0 : 1)
    proc.emit('SIGHUP', 'SIGHUP')
  }
}

/** The terminal of this process. */
export function openTerminal(proc: NodeJS.Process): Terminal {
  const stdout: WriteStream = proc.stdout
  const stdin: ReadStream = proc.stdin
  const gone = onReaderGone(proc)
  stdout.on('error', gone)
  proc.stderr.on('error', gone)
  let interrupted: AbortController | undefined
  return {
    out: (line) => void stdout.write(line),
    err: (line) => void proc.stderr.write(line),
    color: stdout.isTTY === true && !proc.env.NO_COLOR && proc.env.TERM !== 'dumb',
    live: proc.stderr.isTTY === true && proc.env.TERM !== 'dumb',
    width: stdout.columns ?? 100,
    env: proc.env,
    read: () => text(stdin),
    interrupt: () => {
      if (interrupted) return interrupted.signal
      const controller = new AbortController()
      interrupted = controller
      for (const signal of ['SIGINT', 'SIGTERM'] as const)
        proc.once(signal, () => controller.abort())
      return controller.signal
    },
  }
}
