/** Lets at most `limit` tasks run at once; the others wait in the order they came, but urgent ones before all others. */
export class Queue {
  readonly #limit: number
  readonly #urgent: (() => void)[] = []
  readonly #waiting: (() => void)[] = []
  #running = 0

  constructor(limit: number) {
    this.#limit = limit
  }

  /** How many tasks wait for their turn. */
  get length(): number {
    return this.#urgent.length + this.#waiting.length
  }

  /** Runs `task` when it is its turn and passes on what it returns or throws. */
  async run<T>(task: () => Promise<T>, isUrgent = false): Promise<T> {
    if (this.#running >= this.#limit)
      await new Promise<void>((turn) => {
        ;(isUrgent ? this.#urgent : this.#waiting).push(turn)
      })
    else this.#running += 1
    try {
      return await task()
    } finally {
      const next = this.#urgent.shift() ?? this.#waiting.shift()
      // The place goes straight to the next one: nobody can come in between.
      if (next) next()
      else this.#running -= 1
    }
  }
}
