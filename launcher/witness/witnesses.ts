import type { Logger } from 'pino'
import type { Container, EngineEvent } from '../../model/container.ts'
import { type Catalog, type Change, HOSTS } from '../catalog.ts'
import { wordsOf } from '../engine.ts'
import { Witness, type WitnessOptions } from './witness.ts'

/** An engine that can be followed. */
export type FollowedEngine = WitnessOptions['engine'] & {
  /** Tells of all containers of ours and what becomes of them, over any break, until `signal` aborts. */
  follow(
    listener: {
      onList(containers: Container[]): Promise<void>
      onEvent(event: EngineEvent): void
      onChange(up: boolean, reason: string): void
    },
    signal: AbortSignal,
  ): Promise<void>
}

export interface WitnessesOptions {
  catalog: Catalog
  engines: { at(url: string): FollowedEngine }
  store: WitnessOptions['store']
  log: Logger
  /** told of every container of ours that ends, and its host */
  onEnd?(event: EngineEvent, host: string): void
}

interface Followed {
  url: string
  witness: Witness
  ending: AbortController
}

/** Follows the engines of all hosts, each with a {@link Witness}, for as long as its Host record is there. */
export class Witnesses {
  readonly #options: WitnessesOptions
  readonly #followed = new Map<string, Followed>()
  #unlisten = (): void => {}

  constructor(options: WitnessesOptions) {
    this.#options = options
  }

  start(): void {
    this.#unlisten = this.#options.catalog.onChange((batch, topics) => this.#take(batch, topics))
    this.#sync()
  }

  stop(): void {
    this.#unlisten()
    for (const { ending } of this.#followed.values()) ending.abort()
    this.#followed.clear()
  }

  #take(batch: readonly Change[], topics: ReadonlySet<string>): void {
    if (topics.has(HOSTS)) this.#sync()
    for (const { witness } of this.#followed.values()) witness.observe(batch)
  }

  #sync(): void {
    const { hosts } = this.#options.catalog.state
    for (const [name, { url, ending }] of this.#followed)
      if (hosts.get(name)?.value.engine !== url) {
        this.#followed.delete(name)
        ending.abort()
      }
    for (const [name, { value }] of hosts) if (!this.#followed.has(name)) this.#follow(name, value)
  }

  #follow(name: string, { engine: url }: { engine: string }): void {
    const { catalog, engines, store, log, onEnd = () => {} } = this.#options
    try {
      const engine = engines.at(url)
      const witness = new Witness({ host: name, catalog, engine, store, log })
      const ending = new AbortController()
      this.#followed.set(name, { url, witness, ending })
      const listener = {
        onList: async (containers: Container[]) => witness.takeList(containers),
        onEvent: (event: EngineEvent) => {
          if (event.action === 'die') onEnd(event, name)
          witness.take(event)
        },
        onChange: (up: boolean, reason: string) =>
          up
            ? log.info({ host: name }, 'its engine is followed')
            : log.warn({ host: name, reason }, 'its engine is not followed'),
      }
      void engine.follow(listener, ending.signal)
    } catch (error) {
      log.warn({ host: name, reason: wordsOf(error) }, 'its engine cannot be followed')
    }
  }
}
