import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'

const MAIN = join(import.meta.dirname, '../../../cli/main.ts')

export interface ServiceProcess {
  /** what it wrote so far */
  output(): string
  kill(signal: NodeJS.Signals): void
  /** ends it, and waits for that */
  stop(): Promise<void>
}

/** Runs one service from its sources, as `reveille <service>` would. */
export function startService(
  service: 'launcher' | 'registrar',
  settings: Record<string, string>,
): ServiceProcess {
  const flags = Object.entries(settings).flatMap(([name, value]) => [`--${name}`, value])
  const child: ChildProcess = spawn(
    process.execPath,
    ['--import', 'tsx', MAIN, service, ...flags],
    { stdio: ['ignore', 'pipe', 'pipe'] },
  )
  let output = ''
  for (const stream of [child.stdout, child.stderr])
    stream?.on('data', (chunk: Buffer) => {
      output += chunk.toString()
    })
  const ended = once(child, 'exit')
  return {
    output: () => output,
    kill: (signal) => void child.kill(signal),
    stop: async () => {
      if (child.exitCode !== null || child.signalCode !== null) return
      child.kill('SIGCONT')
      child.kill('SIGTERM')
      const timer = setTimeout(() => child.kill('SIGKILL'), 10_000)
      await ended
      clearTimeout(timer)
    },
  }
}
