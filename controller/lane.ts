import { type Outcome, Pace } from './pace.ts'

/** One way into the proxy: when it is taken, and how far it has come. */
export class Lane {
  /** etcd revision up to which every change is through */
  reached = 0n
  readonly #pace: Pace
  /** performance.now() of the first change since the last run began */
  #since: number | null = null
  #urgent = false
  #busy = false

  /**
   * @param run takes all that changed; is told performance.now() of the first change; must not reject
   * @param onEnd after each run
   * @param rest milliseconds between two runs
   */
  constructor(run: (since: number) => Promise<Outcome>, onEnd: () => void, rest: number) {
    this.#pace = new Pace(
      async () => {
        const since = this.#since ?? performance.now()
        this.#since = null
        this.#urgent = false
        this.#busy = true
        const outcome = await run(since)
        this.#busy = false
        onEnd()
        return outcome
      },
      { rest },
    )
  }

  /** Something changed, if maybe nothing of this lane's. `urgent`: what runs may be wrong, not only behind. */
  change({ urgent }: { urgent: boolean }): void {
    this.#since ??= performance.now()
    this.#urgent ||= urgent
  }

  /** Lets it run. Its end decides anew, so while it does there is nothing to be done. */
  trigger(): void {
    if (!this.#busy) this.#pace.trigger({ urgent: this.#urgent })
  }

  /** What changed was nothing to it. */
  settle(): void {
    this.#since = null
    this.#urgent = false
  }

  /** No more runs; resolves when the current one is over. */
  stop(): Promise<void> {
    return this.#pace.stop()
  }
}
