/**
 * Lets only so many tasks run at once; the others wait in the order they came, but urgent ones before all others. The
 * limit is asked for (and is 1 at least) whenever a task comes or ends: it may be another one by then.
 */
export class Queue {
  readonly #limit: () => number
  readonly #urgent: (() => void)[] = []
  readonly #waiting: (() => void)[] = []
  #running = 0

  constructor(limit: number | (() => number)) {
    this.#limit = typeof limit === 'number' ? () => limit : limit
  }

  /** How many tasks wait for their turn. */
  get length(): number {
    return this.#urgent.length + this.#waiting.length
  }

  /** Runs `task` when it is its turn and passes on what it returns or throws. */
  async run<T>(task: () => Promise<T>, isUrgent = false): Promise<T> {
    await new Promise<void>((turn) => {
      ;(isUrgent ? this.#urgent : this.#waiting).push(turn)
      this.#next()
    })
    try {
      return await task()
    } finally {
      this.#running -= 1
      this.#next()
    }
  }

  /** Whose turn it is counts as running at once: nobody can come in between. */
  #next(): void {
    while (this.length > 0 && this.#running < Math.max(1, this.#limit())) {
      this.#running += 1
      const turn = this.#urgent.shift() ?? this.#waiting.shift()
      turn?.()
    }
  }
}
