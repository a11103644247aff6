/** The parts a wake's time is told apart in, in the order they come. */
export const LAPS = ['queue', 'pull', 'create', 'promise', 'start', 'wait', 'answered'] as const
export type Lap = (typeof LAPS)[number]

/** Measures where the time of one wake goes. */
export class Stopwatch {
  readonly laps: Partial<Record<Lap, number>> = {}
  readonly started = performance.now()
  #last = this.started

  /** Adds the milliseconds since the last lap to `lap`. */
  lap(lap: Lap): void {
    const now = performance.now()
    this.laps[lap] = (this.laps[lap] ?? 0) + now - this.#last
    this.#last = now
  }

  /** All laps and the whole, in milliseconds with one digit: `{ queue: 2.1, ..., total: 340.2 }`. */
  summary(): Record<string, number> {
    const round = (ms: number): number => Math.round(ms * 10) / 10
    const all: Record<string, number> = {}
    for (const lap of LAPS) if (this.laps[lap] !== undefined) all[lap] = round(this.laps[lap])
    return { ...all, total: round(this.#last - this.started) }
  }
}
