import type { Readable } from 'node:stream'
import { setTimeout as pause } from 'node:timers/promises'
import { EngineError, statusOf } from './docker-error.ts'

/** How closely an engine is watched, and what its silence means. Times are milliseconds. */
export interface Pace {
  /** between pings while calls are under way, and while there are none */
  every: number
  rest: number
  /** how long a ping may take */
  limit: number
  /** pings in a row that got no answer, while none came to anything else either, until calls are ended */
  misses: number
  /** how many calls may be sent before something is heard; the next one waits for a ping */
  unsure: number
  /** silence after which streams and waits end, too */
  long: number
}

interface Call {
  isLong: boolean
  end(error: EngineError): void
}

export interface Passage {
  /** may rightly take minutes: a stream, or a wait for something to end */
  isLong: boolean
  signal: AbortSignal
}

/**
 * What lies between us and one engine. While the engine answers pings, calls take as long as they take. When it does
 * not, those under way end and later ones fail at once, until a ping is answered again: nobody waits for a dead engine.
 */
export class Line {
  readonly #ping: () => Promise<unknown>
  readonly #pace: Pace
  readonly #calls = new Set<Call>()
  readonly #waiting = new Set<() => void>()
  #isWatched = false
  #isClosed = false
  #heardAt = performance.now()
  #misses = 0
  #words = ''
  /** calls since something was heard */
  #sent = 0
  /** ends the pause before the next ping */
  #hurry = new AbortController()

  /** @param ping asks the engine for a sign of life; rejects when its own deadline has passed */
  constructor(ping: () => Promise<unknown>, pace: Pace) {
    this.#ping = ping
    this.#pace = pace
  }

  /**
   * Makes one call, `call`, with a signal that ends it.
   * @throws EngineError `unreachable` if no pings are answered; else what `call` throws
   */
  async run<T>(call: (signal: AbortSignal) => Promise<T>, passage: Passage): Promise<T> {
    const { isLong, signal } = passage
    if (!this.#isWatched) void this.#watch()
    while (!isLong && this.#mustWait()) await this.#sign(signal)
    if (this.#isDown()) throw this.#trouble()
    const ending = new AbortController()
    let stream: Readable | null = null
    const entry: Call = {
      isLong,
      end: (error) => {
        stream?.destroy(error)
        ending.abort(error)
      },
    }
    const leave = (): void => void this.#calls.delete(entry)
    this.#calls.add(entry)
    if (!isLong) this.#sent++
    try {
      const result = await call(AbortSignal.any([signal, ending.signal]))
      this.#hear()
      if (isStream(result)) stream = result.once('close', leave)
      return result
    } catch (error) {
      if (statusOf(error) !== null) this.#hear()
      throw ending.signal.aborted ? ending.signal.reason : error
    } finally {
      if (!stream) leave()
    }
  }

  /**
   * Resolves at the next sign of life: who asks for one while a ping is under way sends no other.
   * @throws EngineError `unreachable` if no pings are answered; else the reason of `signal`
   */
  async hear(signal: AbortSignal): Promise<void> {
    if (!this.#isWatched) void this.#watch()
    if (!this.#isDown() && !this.#isClosed) await this.#sign(signal)
    if (this.#isDown()) throw this.#trouble()
  }

  /** Ends the pings. Calls under way go on, and those that wait for a ping are made: each has its deadline. */
  close(): void {
    this.#isClosed = true
    this.#hurry.abort()
    this.#release()
  }

  #isDown(): boolean {
    return this.#misses >= this.#pace.misses
  }

  #trouble(): EngineError {
    return new EngineError('unreachable', `it answers no pings: ${this.#words}`)
  }

  /** Nobody waits for an answer, and none is in doubt. Streams have time: they end in a long silence only. */
  #isAtRest(): boolean {
    return this.#misses === 0 && [...this.#calls].every(({ isLong }) => isLong)
  }

  #mustWait(): boolean {
    return this.#sent >= this.#pace.unsure && !this.#isDown() && !this.#isClosed
  }

  /** Resolves when something was heard, or the engine is given up: a ping is sent to find out. */
  async #sign(signal: AbortSignal): Promise<void> {
    this.#hurry.abort()
    let go = (): void => {}
    const changed = new Promise<void>((resolve) => {
      go = resolve
    })
    this.#waiting.add(go)
    signal.addEventListener('abort', go, { once: true })
    await changed
    signal.removeEventListener('abort', go)
    this.#waiting.delete(go)
    signal.throwIfAborted()
  }

  #release(): void {
    for (const go of this.#waiting) go()
  }

  #hear(): void {
    this.#heardAt = performance.now()
    this.#misses = 0
    this.#sent = 0
    this.#release()
  }

  #miss(error: unknown): void {
    this.#misses++
    this.#words = error instanceof Error ? error.message : String(error)
    if (!this.#isDown()) {
      if (this.#waiting.size > 0) this.#hurry.abort()
      return
    }
    const isLost = performance.now() - this.#heardAt > this.#pace.long
    const trouble = this.#trouble()
    for (const call of this.#calls) if (isLost || !call.isLong) call.end(trouble)
    this.#release()
  }

  /** Pings until closed. An answer to anything else since the ping was sent counts as well. */
  async #watch(): Promise<void> {
    this.#isWatched = true
    for (let asked = performance.now(), turn = asked; ; ) {
      const left = Math.max(0, turn + this.#pace.every - performance.now())
      // Joined with a signal that lives on, each of these would leave a little there for ever.
      await pause(left, null, { signal: this.#hurry.signal, ref: false }).catch(() => {})
      if (this.#isClosed) return
      turn = performance.now()
      // Whoever calls meanwhile has a ping at the next turn.
      const isEarly = this.#isAtRest() && turn - asked < this.#pace.rest
      if (isEarly && !this.#hurry.signal.aborted) continue
      this.#hurry = new AbortController()
      asked = turn
      try {
        await this.#ping()
        this.#hear()
      } catch (error) {
        // a timer that is far too late says that we were held up, and its answer may lie here unread
        const isOurs = performance.now() - asked > this.#pace.limit * 1.5
        if (isOurs) this.#hurry.abort()
        else if (this.#heardAt < asked) this.#miss(error)
      }
    }
  }
}

function isStream(result: unknown): result is Readable {
  return typeof result === 'object' && result !== null && 'destroy' in result && 'pipe' in result
}
