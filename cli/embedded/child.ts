import { type ChildProcess, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { setTimeout as delay } from 'node:timers/promises'
import { tieToParent } from '../../adapters/pdeathsig.ts'

export interface ChildOptions {
  name: string
  /** what a person reads, the name unless given */
  title?: string
  command: string[]
  env: NodeJS.ProcessEnv
  /** what the kernel sends it when this process is gone, however it went */
  tie: 'KILL' | 'TERM'
  /** seconds it gets to end after SIGTERM */
  patience: number
  /** what the rest of its group gets when it has ended; SIGKILL unless given */
  leftovers?: NodeJS.Signals
  /** each time that it was started */
  onStart?(pid: number): void
  /** `isError`: it came on stderr */
  onLine(line: string, isError: boolean): void
  /** it ended without being told to, and is started again after `delay` milliseconds */
  onDeath(how: string, delay: number): void
}

/** Milliseconds: the first restart is quick, since most deaths are somebody's `kill`. */
const FIRST = 100
const LAST = 5_000
/** Who lived this long is no crash loop. */
const HEALTHY = 5_000

/** A process of ours that is started again whenever it ends, until it is told to stop. */
export class Child {
  readonly name: string
  readonly title: string
  /** ends in a row without {@link HEALTHY} between them */
  failures = 0
  /** the last lines it wrote */
  readonly lastLines: string[] = []
  /** those on stderr, of its latest life: of one that cannot start, the reason */
  readonly lastErrors: string[] = []
  readonly #options: ChildOptions
  /** groups with members left of processes that ended */
  readonly #leftovers = new Set<number>()
  #process: ChildProcess | null = null
  #ended: Promise<void> = Promise.resolve()
  readonly #stopping = new AbortController()

  constructor(options: ChildOptions) {
    this.name = options.name
    this.title = options.title ?? options.name
    this.#options = options
  }

  get pid(): number | null {
    return this.#process?.pid ?? null
  }

  start(): void {
    this.#ended = this.#run()
  }

  /** SIGTERM, patience, SIGKILL. Resolves when it and all of its group are gone. */
  async stop(): Promise<void> {
    this.#stopping.abort()
    this.#process?.kill('SIGTERM')
    const impatience = setTimeout(() => this.kill(), this.#options.patience * 1000)
    await this.#ended
    clearTimeout(impatience)
    this.#reap('SIGKILL')
  }

  /** At once, for a parent that does not wait: one with something to clean up is told, others are killed. */
  abandon(): void {
    if (this.#options.tie === 'KILL') this.kill()
    else this.#process?.kill('SIGTERM')
  }

  /** At once. */
  kill(): void {
    this.#stopping.abort()
    if (this.#process?.pid !== undefined) signalGroup(this.#process.pid, 'SIGKILL')
    this.#reap('SIGKILL')
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping
    while (!signal.aborted) {
      const begun = performance.now()
      const how = await this.#live()
      if (signal.aborted) return
      this.failures = performance.now() - begun < HEALTHY ? this.failures + 1 : 1
      const pause = Math.min(LAST, FIRST * 2 ** (this.failures - 1))
      this.#options.onDeath(how, pause)
      await delay(pause, undefined, { signal }).catch(() => {})
    }
  }

  /** From its start to its end; tells how it ended. */
  async #live(): Promise<string> {
    const [file = '', ...args] = tieToParent(this.#options.command, this.#options.tie)
    const child = spawn(file, args, {
      env: this.#options.env,
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true, // a Ctrl-C is for us; we end the children in order
    })
    this.#process = child
    this.lastErrors.length = 0
    if (child.pid !== undefined) this.#options.onStart?.(child.pid)
    for (const input of [child.stdout, child.stderr])
      createInterface({ input }).on('line', (line) => {
        keep(this.lastLines, line)
        if (input === child.stderr) keep(this.lastErrors, line)
        this.#options.onLine(line, input === child.stderr)
      })
    const how = await new Promise<string>((resolve) => {
      child.once('error', (error) => resolve(error.message))
      child.once('exit', (code, signal) => resolve(signal ?? `exit code ${code}`))
    })
    this.#process = null
    if (child.pid !== undefined) {
      this.#leftovers.add(child.pid)
      this.#reap(this.#options.leftovers ?? 'SIGKILL')
    }
    return how
  }

  /** Signals what ended processes left behind; forgets groups that are empty, since their numbers are used again. */
  #reap(signal: NodeJS.Signals): void {
    for (const group of this.#leftovers)
      if (!signalGroup(group, signal)) this.#leftovers.delete(group)
  }
}

function keep(lines: string[], line: string): void {
  lines.push(line)
  if (lines.length > 20) lines.shift()
}

/** False if the group has no members. */
function signalGroup(group: number, signal: NodeJS.Signals): boolean {
  try {
    process.kill(-group, signal)
    return true
  } catch {
    return false
  }
}
