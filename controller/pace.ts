/** What a run came to: `done` costs the proxy a reload, `nothing` does not, `failed` is tried again. */
export type Outcome = 'done' | 'nothing' | 'failed'

/**
 * Decides when to run: at once after a quiet spell, then with a rest between runs, so that a burst of changes folds
 * into one more run; after a failure again by itself, each time later. Runs never overlap.
 */
export class Pace {
  readonly #run: () => Promise<Outcome>
  readonly #rest: number
  readonly #most: number
  /** performance.now() before which nothing runs */
  #notBefore = 0
  #failures = 0
  #running: Promise<void> | null = null
  #wanted = false
  #stopped = false
  #timer: NodeJS.Timeout | undefined

  /**
   * @param run must not reject
   * @param rest milliseconds between two runs, and before the first repetition of a failed one
   * @param most milliseconds between two repetitions, at most
   */
  constructor(run: () => Promise<Outcome>, { rest = 1000, most = 3000 } = {}) {
    this.#run = run
    this.#rest = rest
    this.#most = most
  }

  /** Something may have changed. */
  trigger(): void {
    this.#wanted = true
    if (this.#running || this.#timer || this.#stopped) return
    const wait = this.#notBefore - performance.now()
    if (wait <= 0) return this.#go()
    this.#timer = setTimeout(() => {
      this.#timer = undefined
      this.#go()
    }, wait)
  }

  /** No more runs; resolves when the current one is over. */
  async stop(): Promise<void> {
    this.#stopped = true
    clearTimeout(this.#timer)
    await this.#running
  }

  #go(): void {
    this.#wanted = false
    this.#running = this.#run().then((outcome) => {
      this.#running = null
      this.#failures = outcome === 'failed' ? this.#failures + 1 : 0
      const wait = Math.min(this.#rest * 2 ** Math.max(0, this.#failures - 1), this.#most)
      if (outcome !== 'nothing') this.#notBefore = performance.now() + wait
      if (this.#wanted || outcome === 'failed') this.trigger()
    })
  }
}
