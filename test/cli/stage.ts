import { rm } from 'node:fs/promises'
import { execute } from '../../cli/program.ts'
import type { Terminal } from '../../cli/terminal.ts'
import { temporaryFolder } from '../lab/folder.ts'
import { freePort } from '../lab/port.ts'
import { openStage, type Stage, type StageOptions, TOKEN } from '../launcher/api/stage.ts'

export interface Outcome {
  code: number
  out: string
  err: string
}

export interface RunOptions {
  env?: NodeJS.ProcessEnv
  stdin?: string
  color?: boolean
  live?: boolean
  /** stands for Ctrl-C */
  signal?: AbortSignal
  /** sees stdout as it is written */
  onOut?(text: string): void
}

/** Runs the command in this process, on a terminal that remembers. */
export async function run(argv: string[], options: RunOptions = {}): Promise<Outcome> {
  const outcome: Outcome = { code: -1, out: '', err: '' }
  const signal = options.signal ?? new AbortController().signal
  const terminal: Terminal = {
    out: (text) => {
      outcome.out += text
      options.onOut?.(text)
    },
    err: (text) => {
      outcome.err += text
    },
    color: options.color ?? false,
    live: options.live ?? false,
    width: 100,
    env: options.env ?? {},
    read: async () => options.stdin ?? '',
    interrupt: () => signal,
  }
  outcome.code = await execute(argv, terminal)
  return outcome
}

export interface CliStage extends Stage {
  /** runs a command against this API */
  cli(argv: string[], options?: RunOptions): Promise<Outcome>
  /** what {@link cli} has in its environment */
  env: Record<string, string>
}

/** The real private API on a port of its own, over a real etcd, and the command beside it. */
export async function openCliStage(options: StageOptions = {}): Promise<CliStage> {
  const listen = `127.0.0.1:${await freePort()}`
  const folder = await temporaryFolder()
  const stage = await openStage({ ...options, listen })
  await stage.api.listen({ host: '127.0.0.1', port: Number(listen.split(':')[1]) })
  const env = {
    REVEILLE_API: `http://${listen}`,
    REVEILLE_TOKEN: TOKEN,
    REVEILLE_STATE_DIR: folder,
  }
  return {
    ...stage,
    env,
    cli: (argv, more = {}) => run(argv, { ...more, env: { ...env, ...more.env } }),
    close: async () => {
      await stage.close()
      await rm(folder, { recursive: true, force: true })
    },
  }
}
