import { extname, join } from 'node:path'
import { createLog, type Logger } from '../../adapters/log.ts'
import { Child } from './child.ts'
import { favour } from './favour.ts'
import { openOutput } from './output.ts'

export interface Tenant {
  name: string
  /** what a person reads, the name unless given */
  title?: string
  command: string[]
  env?: NodeJS.ProcessEnv
  /** what it gets from the kernel when we are gone: KILL unless it has something to clean up */
  tie?: 'KILL' | 'TERM'
  /** seconds to end after SIGTERM, 8 unless given */
  patience?: number
  leftovers?: NodeJS.Signals
  /** whether it comes before others where there are fewer cores than work */
  favoured?: boolean
}

/** Milliseconds. One Ctrl-C comes twice where npm stands between: from the terminal and from npm. */
const TWICE = 500

/** `node` with a program of ours, built or not: the sources are run by whatever loader runs us. */
export function program(path: string): string[] {
  return [process.execPath, ...process.execArgv, sourceOf(path)]
}

/** The file of a module of ours, as what runs now: `.js` where it is built, else `.ts`. */
export function sourceOf(path: string): string {
  return join(import.meta.dirname, '..', '..', path + extname(import.meta.filename))
}

/** All processes under one roof: their output, how they are ended, and in which order. */
export class House {
  readonly log: Logger
  /** aborted when it is time to end */
  readonly signal: AbortSignal
  readonly #ending = new AbortController()
  #told = 0
  readonly #write = openOutput(process.stdout)
  readonly #children: Child[] = []
  readonly #closers: (() => unknown)[] = []

  constructor(level: string) {
    this.signal = this.#ending.signal
    this.log = createLog('up', level, { write: (line) => this.#write('up', line.trimEnd()) })
    for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
      process.on(name, () => this.#onSignal(name))
  }

  /** Starts a process and keeps it running. It is not ended by `close` unless {@link onClose} says so. */
  start(tenant: Tenant): Child {
    const { name, title = name, tie = 'KILL', patience = 8, leftovers } = tenant
    const child = new Child({
      name,
      title,
      command: tenant.command,
      env: tenant.env ?? process.env,
      tie,
      patience,
      ...(leftovers && { leftovers }),
      ...(tenant.favoured && { onStart: favour }),
      onLine: (line, isError) => this.#write(name, line, isError),
      onDeath: (how, pause) =>
        this.log.warn({ part: name, how }, `${title} ended, starting again in ${pause} ms`),
    })
    this.#children.push(child)
    child.start()
    return child
  }

  /** What to do at the end; the latest is done first. */
  onClose(action: () => unknown): void {
    this.#closers.push(action)
  }

  /** Those that end again and again. */
  hopeless(ends: number): Child | undefined {
    return this.#children.find((child) => child.failures >= ends)
  }

  /** Undoes everything; an action that fails costs itself only. */
  async close(): Promise<void> {
    this.#ending.abort()
    for (const action of this.#closers.toReversed())
      try {
        await action()
      } catch (error) {
        this.log.error({ error: String(error) }, 'something was left behind')
      }
  }

  #onSignal(name: string): void {
    if (!this.signal.aborted) {
      this.#told = performance.now()
      this.log.info({ signal: name }, 'ending; once more ends it at once')
      this.#ending.abort()
    } else if (name === 'SIGINT' && performance.now() - this.#told > TWICE) {
      for (const child of this.#children) child.abandon()
      process.exit(130)
    }
  }
}
