import { pause } from './pause.ts'

/** Runs a command inside a container and returns its exit code. Rejects if the engine cannot. */
export type Exec = (id: string, command: string[], signal: AbortSignal) => Promise<number>

/** Milliseconds after which a command that hangs, or an engine that lost it, is no longer waited for. */
const LOST = 300_000

/**
 * Health commands inside containers, one at a time in each. An engine cannot end a command that it began: whoever asks
 * anew while one hangs would pile them up in an app that is in trouble already.
 */
export class Commands {
  readonly #exec: Exec
  /** by container id: exit code, null if it could not be run */
  readonly #running = new Map<string, Promise<number | null>>()
  /** one for each that runs */
  readonly #endings = new Set<AbortController>()
  #isStopped = false

  constructor(exec: Exec) {
    this.#exec = exec
  }

  /** Whether the command says yes within `timeout` milliseconds; null if it could not be run, or `signal` aborted. */
  async ask(
    id: string,
    command: string[],
    timeout: number,
    signal: AbortSignal,
  ): Promise<boolean | null> {
    let isOver = false
    const late = pause(timeout, signal).then(() => {
      isOver = true
      return signal.aborted ? null : false
    })
    const before = this.#running.get(id)
    // what is still running was late already: its answer is no answer to this question
    if (before && (await Promise.race([before.then(() => true), late])) !== true) return late
    if (isOver || signal.aborted) return late
    const code = await Promise.race([this.#run(id, command), late])
    return typeof code === 'number' ? code === 0 : code
  }

  /** Waits for no command any longer. */
  stop(): void {
    this.#isStopped = true
    for (const ending of this.#endings) ending.abort()
  }

  #run(id: string, command: string[]): Promise<number | null> {
    const ending = new AbortController()
    const timer = setTimeout(() => ending.abort(), LOST)
    this.#endings.add(ending)
    if (this.#isStopped) ending.abort()
    const run = this.#exec(id, command, ending.signal)
      .catch(() => null)
      .finally(() => {
        clearTimeout(timer)
        this.#endings.delete(ending)
        this.#running.delete(id)
      })
    this.#running.set(id, run)
    return run
  }
}
