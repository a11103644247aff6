import { setTimeout as pause } from 'node:timers/promises'
import Docker from 'dockerode'
import type { EngineEvent } from './starts.ts'

/** An engine as the oracle reaches it: beside all lines that a fault may cut. */
export interface WitnessedEngine {
  host: string
  /** path of its unix socket */
  socket: string
}

const ACTIONS = ['start', 'die', 'kill', 'stop', 'destroy', 'create']

/**
 * Writes down what an engine says about our containers, from now on. Engines keep only their last 256 events, so they
 * are read as they come; one that hung or went away is asked for what was missed.
 */
export class Witness {
  readonly events: EngineEvent[] = []
  readonly #engine: WitnessedEngine
  readonly #docker: Docker
  readonly #since: number
  readonly #known = new Set<string>()
  readonly #ending = new AbortController()
  readonly #running: Promise<void>

  constructor(engine: WitnessedEngine) {
    this.#engine = engine
    this.#docker = new Docker({ socketPath: engine.socket })
    this.#since = Date.now()
    this.#running = this.#follow()
  }

  /** Reads to the end of what has happened by now, and stops. The engine must answer. */
  async stop(): Promise<EngineEvent[]> {
    // Asked up to a moment that has passed, the engine ends the stream by itself.
    await this.#read({ until: seconds(Date.now()), abortSignal: AbortSignal.timeout(10_000) })
    this.#ending.abort()
    await this.#running
    return this.events
  }

  async #follow(): Promise<void> {
    const { signal } = this.#ending
    while (!signal.aborted) {
      await this.#read({ abortSignal: signal }).catch(() => {})
      await pause(100, undefined, { signal }).catch(() => {})
    }
  }

  async #read(more: { until?: string; abortSignal?: AbortSignal }): Promise<void> {
    const filters = { type: ['container'], event: ACTIONS, label: ['reveille.app'] }
    // dockerode's types know times in whole seconds only
    const options = { since: seconds(this.#since), filters, ...more } as unknown
    const stream = await this.#docker.getEvents(options as Docker.GetEventsOptions)
    let rest = ''
    for await (const chunk of stream) {
      const lines = (rest + String(chunk)).split('\n')
      rest = lines.pop() ?? ''
      for (const line of lines) if (line.trim()) this.#note(line)
    }
  }

  #note(line: string): void {
    const message = JSON.parse(line)
    // from the text: nanoseconds since 1970 do not fit a number
    const at = BigInt(/"timeNano":(\d+)/.exec(line)?.[1] ?? 0)
    const { ID: id, Attributes: attributes } = message.Actor
    // A sandbox is no instance: what starts is the app in it.
    if (attributes['reveille.sandbox'] !== undefined) return
    const name = `${at} ${message.Action} ${id}`
    if (this.#known.has(name)) return
    this.#known.add(name)
    const [app, slot] = [attributes['reveille.app'], Number(attributes['reveille.slot'] ?? 0)]
    this.events.push({ at, host: this.#engine.host, action: message.Action, id, app, slot })
  }
}

/** Milliseconds since 1970 as engines read a time. */
const seconds = (ms: number): string =>
  `${Math.floor(ms / 1000)}.${String(ms % 1000).padStart(3, '0')}000000`
