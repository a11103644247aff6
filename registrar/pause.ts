import { setTimeout } from 'node:timers/promises'

/** Waits for `milliseconds` or until `signal` aborts, whichever is first. Does not throw. */
export async function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  await setTimeout(milliseconds, null, { signal }).catch(() => {})
}

/** Pauses between tries that go on for ever: 50 ms doubling to 1 s, spread so that hosts do not march in step. */
export class Backoff {
  #next = 50

  reset(): void {
    this.#next = 50
  }

  /** Milliseconds until the next try. */
  next(): number {
    const delay = this.#next * (0.75 + Math.random() / 2)
    this.#next = Math.min(this.#next * 2, 1000)
    return delay
  }
}
