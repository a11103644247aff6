import { readFileSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import type { Part } from '../part.ts'
import type { Flags, LabProcess } from './fleet.ts'

/** How a program is started, each time. */
export interface Plan {
  command: string[]
  /** what must be gone, or there, before it starts */
  prepare?: () => Promise<void>
  /** whether it answers; a rejection is a no */
  ready: () => Promise<boolean>
  /** its children are not itself: an engine's containers go on without it */
  alone?: boolean
}

/** The machine it is on. */
interface Ground {
  name: string
  spawn(program: string, command: string[]): Promise<Part>
  logOf(program: string): string
}

/** Milliseconds after SIGTERM until SIGKILL. */
const PATIENCE = 10_000
/** Milliseconds until it answers, on a machine that is busy with everything else. */
const START = 60_000
const LAST_WORDS = 2_000

/** A program that is started again and again with the same arguments. */
export class Program implements LabProcess {
  readonly name: string
  readonly #ground: Ground
  readonly #plan: Plan
  #part: Part | null = null

  constructor(name: string, ground: Ground, plan: Plan) {
    this.name = name
    this.#ground = ground
    this.#plan = plan
  }

  get pid(): number {
    return this.#running.pid
  }

  get isRunning(): boolean {
    return this.#part !== null
  }

  get #running(): Part {
    if (this.#part === null) throw new Error(`${this.name} of ${this.#ground.name} does not run`)
    return this.#part
  }

  log(): string {
    return readFileSync(this.#ground.logOf(this.name), 'utf8')
  }

  async start(settings: Flags = {}): Promise<void> {
    if (this.#part !== null) throw new Error(`${this.name} of ${this.#ground.name} runs already`)
    await this.#plan.prepare?.()
    const part = await this.#ground.spawn(this.name, [
      ...this.#plan.command,
      ...Object.entries(settings).map(([name, value]) => `--${name}=${value}`),
    ])
    this.#part = part
    void part.gone.then(() => {
      if (this.#part === part) this.#part = null
    })
    await part.until(this.#plan.ready, START).catch((error: Error) => {
      throw new Error(`${this.name} of ${this.#ground.name}: ${error.message}${this.#lastWords()}`)
    })
  }

  #lastWords(): string {
    return this.log().slice(-LAST_WORDS)
  }

  async kill(): Promise<void> {
    await this.#end(this.#running)
  }

  async end(): Promise<void> {
    const part = this.#running
    process.kill(part.pid, 'SIGTERM')
    process.kill(part.pid, 'SIGCONT')
    await Promise.race([part.gone, delay(PATIENCE, undefined, { ref: false })])
    await this.#end(part)
  }

  /** What its machine's end left of it: the note that it ran. */
  async bury(): Promise<void> {
    await this.#part?.kill()
  }

  async #end(part: Part): Promise<void> {
    if (!this.#plan.alone) return part.kill()
    if (this.#part === part) process.kill(part.pid, 'SIGKILL')
    await part.gone
  }

  pause(): Promise<void> {
    return this.#signal('SIGSTOP')
  }

  resume(): Promise<void> {
    return this.#signal('SIGCONT')
  }

  async #signal(signal: NodeJS.Signals): Promise<void> {
    const part = this.#running
    if (this.#plan.alone) process.kill(part.pid, signal)
    else await part.signal(signal)
  }
}
