import type { Heard } from './announcements.ts'

/** Milliseconds between lines about datagrams that were dropped. */
const QUIET = 60_000

/** Counts what became of datagrams, and says once a minute how many were dropped and why: no flood fills a log. */
export class Tally {
  readonly #count: (heard: Heard) => void
  readonly #tell: (dropped: Record<string, number>) => void
  #dropped: Record<string, number> = {}
  #toldAt = Number.NEGATIVE_INFINITY

  constructor(count: (heard: Heard) => void, tell: (dropped: Record<string, number>) => void) {
    this.#count = count
    this.#tell = tell
  }

  /** @param steady performance.now() */
  note(heard: Heard, steady: number): void {
    this.#count(heard)
    if (heard === 'taken') return
    this.#dropped[heard] = (this.#dropped[heard] ?? 0) + 1
    this.flush(steady)
  }

  /** To be called now and then, so that the last of a flood are told of too. */
  flush(steady: number): void {
    if (Object.keys(this.#dropped).length === 0 || steady - this.#toldAt < QUIET) return
    this.#tell(this.#dropped)
    this.#dropped = {}
    this.#toldAt = steady
  }
}
