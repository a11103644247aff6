import { setMaxListeners } from 'node:events'
import type { ForeignContainer } from '../../model/container.ts'
import { type Endpoint, formatEndpoint } from '../../model/endpoint.ts'
import type { Keys } from '../../model/key.ts'
import { pause } from '../pause.ts'
import { Beside, type BesideOptions } from './beside.ts'
import { candidatesOf, type Found, isWanted, poolOf } from './candidate.ts'
import { type DiscoveryStore, Enrolment } from './enrolment.ts'

export interface DiscoveryOptions extends BesideOptions {
  mode: 'label' | 'image'
  /** ports to try, in this order */
  ports: readonly number[]
  /** '' for none */
  domain: string
  /** the engine: it is only looked at */
  engine: {
    foreign(): Promise<ForeignContainer[]>
    stirs(signal: AbortSignal): AsyncIterable<void>
  }
  /** IP address of this host's published ports, '' while it is not known */
  address(): string
  tcp(endpoint: Endpoint, timeout: number, signal: AbortSignal): Promise<boolean>
  store: DiscoveryStore
  /** null between a loss and the next */
  lease(): string | null
  keys: Keys
}

/** Milliseconds between looks, and for an answer of a port. */
const LOOK = 2_000
const PATIENCE = 1_000
/**
 * Milliseconds between looks while containers come and go all the time, or one that has just come does not answer yet;
 * and how long that counts as just.
 */
const EAGER = 250
const YOUNG = 10_000
/** Looks in a row at which a server that was there does not answer until it is taken out. */
const TOLERANCE = 2

/** Where a container was found to answer. */
interface Server {
  endpoint: Endpoint
  failures: number
}

/**
 * Finds running containers that Reveille did not start, and makes them members of a Pool for as long as they run and one
 * of their ports answers. They are only looked at: nothing here can stop, remove or wake one.
 */
export class Discovery {
  readonly #options: DiscoveryOptions
  readonly #enrolment: Enrolment
  readonly #beside: Beside
  /** by container id */
  readonly #servers = new Map<string, Server>()
  readonly #unnamed = new Set<string>()
  /** by container id: performance.now() when it was first seen */
  readonly #seen = new Map<string, number>()
  /** ends the rest before the next look */
  #hurry = new AbortController()
  #trouble = ''

  constructor(options: DiscoveryOptions) {
    this.#options = options
    this.#enrolment = new Enrolment(options.store, options.keys)
    this.#beside = new Beside(options)
  }

  /** Looks every 2 s, and when a container starts or ends, until `signal` aborts. Does not throw. */
  async run(signal: AbortSignal): Promise<void> {
    setMaxListeners(0, signal) // as many as there are ports to try
    signal.addEventListener('abort', () => this.#hurry.abort(), { once: true })
    void this.#listen(signal)
    while (!signal.aborted) {
      this.#hurry = new AbortController()
      const rest = pause(this.#isExpecting() ? EAGER : LOOK, this.#hurry.signal)
      // A storm of wakes must not have its engine asked for lists without end.
      const least = pause(EAGER, signal)
      try {
        await this.#look(signal)
        this.#trouble = ''
      } catch (error) {
        const reason = error instanceof Error ? error.message : String(error)
        if (!signal.aborted && reason !== this.#trouble)
          this.#options.log.warn({ reason }, 'discovery waits')
        this.#trouble = reason
      }
      await Promise.all([rest, least])
    }
  }

  async #look(signal: AbortSignal): Promise<void> {
    const { engine, mode, log } = this.#options
    const containers = (await engine.foreign()).filter((container) => isWanted(container, mode))
    const running = new Set(containers.map(({ id }) => id))
    for (const id of [...this.#servers.keys()]) if (!running.has(id)) this.#servers.delete(id)
    for (const id of this.#unnamed) if (!running.has(id)) this.#unnamed.delete(id)
    for (const id of [...this.#seen.keys()]) if (!running.has(id)) this.#seen.delete(id)
    for (const id of running) if (!this.#seen.has(id)) this.#seen.set(id, performance.now())
    const wanted = new Map<string, Found>()
    const named = containers.flatMap((container) => {
      const pool = poolOf(container.image, this.#options.domain)
      if (!pool) this.#tellUnnamed(container)
      return pool ? [{ container, pool }] : []
    })
    await Promise.all(
      named.map(async ({ container, pool }) => {
        const server = await this.#server(container, signal)
        if (server) wanted.set(formatEndpoint(server.endpoint), pool)
      }),
    )
    const lease = this.#options.lease()
    if (lease === null || signal.aborted) return
    const { added, removed } = await this.#enrolment.settle(this.#beside.free(wanted), lease)
    for (const address of added)
      log.info({ address, pool: wanted.get(address)?.name }, 'container found')
    for (const address of removed) log.info({ address }, 'container gone, or it does not answer')
  }

  /** Where it answers: where it did before, else the first port that does. */
  async #server(container: ForeignContainer, signal: AbortSignal): Promise<Server | null> {
    const { ports, tcp, address } = this.#options
    const candidates = candidatesOf(container, ports, address())
    const known = this.#servers.get(container.id)
    const text = known && formatEndpoint(known.endpoint)
    if (known && candidates.some((endpoint) => formatEndpoint(endpoint) === text)) {
      known.failures = (await tcp(known.endpoint, PATIENCE, signal)) ? 0 : known.failures + 1
      if (known.failures < TOLERANCE) return known
    }
    this.#servers.delete(container.id)
    // All at once: one that nothing answers at would hold up what is known of all others, port by port.
    const answers = await Promise.all(candidates.map((endpoint) => tcp(endpoint, PATIENCE, signal)))
    const endpoint = candidates.find((_, index) => answers[index])
    if (!endpoint) return null
    const server = { endpoint, failures: 0 }
    this.#servers.set(container.id, server)
    return server
  }

  /** Whether a container came a moment ago and does not answer yet. */
  #isExpecting(): boolean {
    const now = performance.now()
    return [...this.#seen].some(([id, at]) => now - at < YOUNG && !this.#servers.has(id))
  }

  #tellUnnamed({ id, image }: ForeignContainer): void {
    if (this.#unnamed.has(id)) return
    this.#unnamed.add(id)
    this.#options.log.warn(
      { container: id.slice(0, 12), image: image.slice(0, 200) },
      'its image has no name that can be a path: it is not reached',
    )
  }

  /** A stream of events that breaks costs nothing but the time until the next look. */
  async #listen(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        for await (const _ of this.#options.engine.stirs(signal)) this.#hurry.abort()
      } catch {
        // the next look says what is wrong
      }
      await pause(LOOK, signal)
    }
  }
}
