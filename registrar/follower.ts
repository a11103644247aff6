import type { Container, EngineEvent } from '../model/container.ts'
import { Backoff, pause } from './pause.ts'

/** The engine as it is followed. */
export interface FollowedEngine {
  time(): Promise<bigint>
  list(): Promise<Container[]>
  events(since: bigint, signal: AbortSignal): AsyncIterable<EngineEvent>
  ping(): Promise<void>
}

export interface FollowerOptions {
  /** All containers of ours. Events that come meanwhile wait until it resolves. */
  onList(containers: Container[]): Promise<void>
  onEvent(event: EngineEvent): void
  /** The engine answers and its events are followed, or no longer so: `reason` says why. Told on changes only. */
  onChange(up: boolean, reason: string): void
  /** milliseconds between full lists, and between pings */
  relist?: number
  ping?: number
}

/** Milliseconds after which an event stream counts as one that holds. */
const HOLDS = 5_000

/**
 * Follows an engine for ever: its time, its events from that time on, a list, then the events. After any break it
 * starts again, so that nothing depends on an event that did not come: a restarted engine has forgotten them, and a
 * vanished peer breaks no stream. A list now and then mends what no break explains.
 */
export class Follower {
  readonly #engine: FollowedEngine
  readonly #options: FollowerOptions
  #up: boolean | null = null

  constructor(engine: FollowedEngine, options: FollowerOptions) {
    this.#engine = engine
    this.#options = options
  }

  get up(): boolean {
    return this.#up === true
  }

  /** Runs until `signal` aborts. Does not throw. */
  async run(signal: AbortSignal): Promise<void> {
    const backoff = new Backoff()
    while (!signal.aborted) {
      let reason = 'its event stream ended'
      try {
        await this.#follow(signal, () => backoff.reset())
      } catch (error) {
        reason = error instanceof Error ? error.message : String(error)
      }
      if (signal.aborted) return
      this.#tell(false, reason)
      await pause(backoff.next(), signal)
    }
  }

  /**
   * One connection: resolves when the stream ends, rejects on any failure. An engine that answers and breaks every
   * stream is not asked for its list twenty times a second: `onHolding` is called once its events have come for a while.
   */
  async #follow(outer: AbortSignal, onHolding: () => void): Promise<void> {
    const connection = new AbortController()
    const signal = AbortSignal.any([outer, connection.signal])
    try {
      const since = await this.#engine.time()
      void pause(HOLDS, signal).then(() => signal.aborted || onHolding())
      const listed = this.#list(signal)
      // whichever of these fails first ends the connection
      await Promise.race([
        this.#read(since, listed, signal),
        listed.then(() =>
          this.#tick(this.#options.relist ?? 10_000, () => this.#list(signal), signal),
        ),
        this.#tick(this.#options.ping ?? 2_000, () => this.#engine.ping(), signal),
      ])
    } finally {
      connection.abort()
    }
  }

  async #list(signal: AbortSignal): Promise<void> {
    const containers = await this.#engine.list()
    // a list that comes after its connection broke says nothing of now
    if (signal.aborted) return
    this.#tell(true, '')
    await this.#options.onList(containers)
  }

  async #read(since: bigint, listed: Promise<void>, signal: AbortSignal): Promise<void> {
    let ready = false
    const buffer: EngineEvent[] = []
    const drained = listed.then(() => {
      ready = true
      for (const event of buffer.splice(0)) this.#options.onEvent(event)
    })
    // its failure ends the race; here it must only not be unhandled
    drained.catch(() => {})
    for await (const event of this.#engine.events(since, signal))
      if (ready) this.#options.onEvent(event)
      else buffer.push(event)
  }

  async #tick(every: number, run: () => Promise<void>, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await pause(every, signal)
      if (!signal.aborted) await run()
    }
  }

  #tell(up: boolean, reason: string): void {
    if (this.#up === up) return
    this.#up = up
    this.#options.onChange(up, reason)
  }
}
