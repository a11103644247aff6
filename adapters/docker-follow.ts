import type { Container, EngineEvent } from '../model/container.ts'
import { Silence } from './docker-silence.ts'

/** The engine as it is followed. */
export interface FollowedEngine {
  time(): Promise<bigint>
  list(): Promise<Container[]>
  events(since: bigint, signal: AbortSignal): AsyncIterable<EngineEvent>
  ping(): Promise<void>
}

/** Who is told of an engine. */
export interface Listener {
  /** All containers of ours. Events that come meanwhile wait until it resolves. */
  onList(containers: Container[]): Promise<void>
  onEvent(event: EngineEvent): void
  /** The engine answers and its events are followed, or no longer so: `reason` says why. Told on changes only. */
  onChange(up: boolean, reason: string): void
}

/** Milliseconds between full lists, and between pings. */
const RELIST = 10_000
const PING = 2_000
/** Milliseconds an event may come later than the list that shows what it tells. */
const LATE = 1_000
/** Milliseconds between tries that go on for ever: doubling, and spread so that followers do not march in step. */
const SHORTEST = 50
const LONGEST = 1_000

/** Milliseconds after which an event stream counts as one that holds. */
const HOLDS = 5_000

/**
 * Follows an engine for ever: its time, its events from that time on, a list, then the events. After any break it
 * starts again, so that nothing depends on an event that did not come: a restarted engine has forgotten them, and a
 * vanished peer breaks no stream. A list now and then mends what no break explains.
 */
export class Follower {
  readonly #engine: FollowedEngine
  readonly #listener: Listener
  #up: boolean | null = null

  constructor(engine: FollowedEngine, listener: Listener) {
    this.#engine = engine
    this.#listener = listener
  }

  /** Runs until `signal` aborts. Does not throw. */
  async run(signal: AbortSignal): Promise<void> {
    let delay = SHORTEST
    const hold = (): void => {
      delay = SHORTEST
    }
    while (!signal.aborted) {
      let reason = 'its event stream ended'
      try {
        await this.#follow(signal, hold)
      } catch (error) {
        reason = error instanceof Error ? error.message : String(error)
      }
      if (signal.aborted) return
      this.#tell(false, reason)
      await pause(delay * (0.75 + Math.random() / 2), signal)
      delay = Math.min(delay * 2, LONGEST)
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
      const silence = new Silence()
      const list = (): Promise<string[]> => this.#list(silence, signal)
      const listed = list()
      // whichever of these fails first ends the connection
      await Promise.race([
        this.#read(since, listed, silence, signal),
        listed.then(() => this.#tick(RELIST, () => this.#relist(list, silence, signal), signal)),
        this.#tick(PING, () => this.#engine.ping(), signal),
      ])
    } finally {
      connection.abort()
    }
  }

  /** Returns the containers of which events should have told, and did not. */
  async #list(silence: Silence, signal: AbortSignal): Promise<string[]> {
    const containers = await this.#engine.list()
    // a list that comes after its connection broke says nothing of now
    if (signal.aborted) return []
    this.#tell(true, '')
    const untold = silence.compare(containers)
    await this.#listener.onList(containers)
    return untold
  }

  /** A peer that takes our pings and sends no events is no more than a list every now and then. */
  async #relist(
    list: () => Promise<string[]>,
    silence: Silence,
    signal: AbortSignal,
  ): Promise<void> {
    const untold = await list()
    if (untold.length === 0) return
    await pause(LATE, signal)
    if (!signal.aborted && !untold.some((id) => silence.isTold(id)))
      throw new Error('its containers change and it sends no events')
  }

  async #read(
    since: bigint,
    listed: Promise<unknown>,
    silence: Silence,
    signal: AbortSignal,
  ): Promise<void> {
    let ready = false
    const buffer: EngineEvent[] = []
    const drained = listed.then(() => {
      ready = true
      for (const event of buffer.splice(0)) this.#listener.onEvent(event)
    })
    // its failure ends the race; here it must only not be unhandled
    drained.catch(() => {})
    for await (const event of this.#engine.events(since, signal)) {
      silence.hear(event.id)
      if (ready) this.#listener.onEvent(event)
      else buffer.push(event)
    }
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
    this.#listener.onChange(up, reason)
  }
}

/** Waits for `milliseconds` or until `signal` aborts, whichever is first. Does not throw. */
function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const finish = (): void => {
      clearTimeout(timer)
      signal.removeEventListener('abort', finish)
      resolve()
    }
    const timer = setTimeout(finish, milliseconds)
    signal.addEventListener('abort', finish, { once: true })
    if (signal.aborted) finish()
  })
}
