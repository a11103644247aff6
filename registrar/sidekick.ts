import type { Logger } from 'pino'
import { type Endpoint, formatEndpoint } from '../model/endpoint.ts'
import { type Health, parseHealth } from '../model/health.ts'
import type { Keys } from '../model/key.ts'
import { advance, discovered, type Instance } from './instance.ts'
import { type Asking, keepAsking } from './readiness.ts'

export interface SidekickOptions {
  app: string
  slot: number
  endpoint: Endpoint
  /** tcp or http:/path */
  probe: string
  asking: Pick<Asking, 'tcp' | 'http'>
  publisher: {
    publish(key: string, value: string): void
    withdraw(key: string): Promise<string | null>
  }
  keys: Keys
  log: Logger
}

/** No engine tells when a process dies, so it is asked more often than a container. Milliseconds. */
const STEADY = 2_000

/** The kind of probe a sidekick can make, null for one that needs an engine. */
export function readProbe(text: string): Health | null {
  const health = parseHealth(text)
  return health?.type === 'tcp' || health?.type === 'http' ? health : null
}

/** Registers one process that is no container for as long as it answers. It starts and stops nothing. */
export class Sidekick {
  readonly #options: SidekickOptions
  readonly #key: string
  #instance: Instance

  /** @throws Error if the probe is neither tcp nor http:/path */
  constructor(options: SidekickOptions) {
    this.#options = options
    const { app, slot, endpoint, keys } = options
    const health = readProbe(options.probe)
    if (!health) throw new Error(`--probe ${options.probe} is neither tcp nor http:/path`)
    this.#key = keys.endpoint(app, slot)
    const spec = {
      app,
      slot,
      port: endpoint.port,
      health,
      idleAfter: 0,
      stopTimeout: 0,
      min: 1,
      revision: '',
    }
    this.#instance = advance(discovered(formatEndpoint(endpoint), spec), {
      ...{ type: 'runs', endpoint, pid: -1, health: 'none', routed: false },
    })
  }

  get isReady(): boolean {
    return this.#instance.phase === 'ready'
  }

  /** Runs until `signal` aborts, then unregisters. Does not throw. */
  async run(signal: AbortSignal): Promise<void> {
    const { endpoint, publisher } = this.#options
    const asking: Asking = {
      tcp: (...question) => this.#options.asking.tcp(...question),
      http: (...question) => this.#options.asking.http(...question),
      command: () => Promise.resolve(null), // a sidekick has no engine
      healthcheck: () => Promise.resolve(null),
    }
    while (!signal.aborted) {
      const turn = new AbortController()
      const tell = (ok: boolean): void => {
        const before = this.#instance
        this.#instance = advance(before, { type: 'probed', ok })
        if (this.#instance.phase !== before.phase) turn.abort()
      }
      const both = AbortSignal.any([signal, turn.signal])
      await keepAsking({ ...this.#instance, endpoint }, asking, tell, both, STEADY)
      if (signal.aborted) break
      this.#options.log.info({ app: this.#options.app }, this.#instance.phase)
      if (this.isReady) publisher.publish(this.#key, formatEndpoint(endpoint))
      else void publisher.withdraw(this.#key)
    }
    await publisher.withdraw(this.#key)
  }
}
