/** How a task waits. */
export interface Ticket {
  /** goes before all that are not */
  isUrgent: boolean
  /** performance.now() from which on somebody waits: who has waited longest is next */
  since: number
}

/**
 * Lets only so many tasks run at once; of the others urgent ones are next, and of these the one whose wait began first,
 * whenever it came. The limit is asked for (and is 1 at least) whenever a task comes or ends: it may be another one by
 * then.
 */
export class Queue {
  readonly #limit: () => number
  readonly #waiting: (Ticket & { turn(): void })[] = []
  #running = 0

  constructor(limit: number | (() => number)) {
    this.#limit = typeof limit === 'number' ? () => limit : limit
  }

  /** How many tasks wait for their turn. */
  get length(): number {
    return this.#waiting.length
  }

  /** Runs `task` when it is its turn and passes on what it returns or throws. */
  async run<T>(
    task: () => Promise<T>,
    ticket: Ticket = { isUrgent: false, since: performance.now() },
  ): Promise<T> {
    await new Promise<void>((turn) => {
      const after = this.#waiting.findIndex((other) => isBefore(ticket, other))
      this.#waiting.splice(after < 0 ? this.#waiting.length : after, 0, { ...ticket, turn })
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
      this.#waiting.shift()?.turn()
    }
  }
}

function isBefore(one: Ticket, other: Ticket): boolean {
  return one.isUrgent === other.isUrgent ? one.since < other.since : one.isUrgent
}
