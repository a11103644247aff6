/** What a run came to: `done` has a rest after it, `nothing` has not, `failed` is tried again. */
export type Outcome = 'done' | 'nothing' | 'failed'

/** How many rests may be broken within so many milliseconds, unless nothing ran for longer than a rest meanwhile. */
const BREAKS = 3
const SPELL = 30_000

/**
 * Decides when to run: at once after a quiet spell, then with a rest between runs, so that a burst of changes folds
 * into one more run; after a failure again by itself, each time later. A few urgent runs may break a rest, so that
 * urgency never makes a habit of it. Runs never overlap.
 */
export class Pace {
  readonly #run: () => Promise<Outcome>
  readonly #rest: number
  readonly #again: number
  readonly #most: number
  /** performance.now() before which nothing runs */
  #notBefore = 0
  #failures = 0
  #running: Promise<void> | null = null
  #wanted = false
  #urgent = false
  /** performance.now() of the rests that were broken of late */
  #breaks: number[] = []
  #stopped = false
  #timer: NodeJS.Timeout | undefined

  /**
   * @param run must not reject
   * @param rest milliseconds between two runs
   * @param again milliseconds before the first repetition of a failed one
   * @param most milliseconds between two repetitions, at most
   */
  constructor(run: () => Promise<Outcome>, { rest = 1000, again = 1000, most = 3000 } = {}) {
    this.#run = run
    this.#rest = rest
    this.#again = again
    this.#most = most
  }

  /** Something may have changed. `urgent`: what runs now is wrong, not only behind. */
  trigger({ urgent = false } = {}): void {
    this.#wanted = true
    this.#urgent ||= urgent
    if (this.#running || this.#stopped) return
    const wait = this.#notBefore - performance.now()
    if (wait < -this.#rest) this.#breaks = []
    if (wait <= 0) return this.#go()
    if (this.#urgent && this.#failures === 0 && this.#mayBreak()) return this.#go()
    if (this.#timer) return
    this.#timer = setTimeout(() => this.#go(), wait)
  }

  /** No more runs; resolves when the current one is over. */
  async stop(): Promise<void> {
    this.#stopped = true
    clearTimeout(this.#timer)
    await this.#running
  }

  /** Whether this rest may be broken; if so, it counts as broken. */
  #mayBreak(): boolean {
    const now = performance.now()
    this.#breaks = this.#breaks.filter((at) => now - at < SPELL)
    if (this.#breaks.length >= BREAKS) return false
    this.#breaks.push(now)
    return true
  }

  #go(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#wanted = false
    this.#urgent = false
    this.#running = this.#run().then((outcome) => {
      this.#running = null
      this.#failures = outcome === 'failed' ? this.#failures + 1 : 0
      const again = Math.min(this.#again * 2 ** (this.#failures - 1), this.#most)
      const wait = outcome === 'failed' ? again : this.#rest
      if (outcome !== 'nothing') this.#notBefore = performance.now() + wait
      if (this.#wanted || outcome === 'failed') this.trigger()
    })
  }
}
