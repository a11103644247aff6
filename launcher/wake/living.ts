import { createHash } from 'node:crypto'
import type { App } from '../../model/app.ts'
import { type Endpoint, formatEndpoint } from '../../model/endpoint.ts'
import { canonical } from '../../model/name.ts'
import { pinOf } from '../../model/pin.ts'
import { ProblemError } from '../../model/problem.ts'
import { Recent } from '../../model/recent.ts'
import type { Catalog } from '../catalog.ts'

/** How an Endpoint is proven. */
export interface Reach {
  /** whether something accepts a TCP connection there */
  connect(endpoint: Endpoint): Promise<boolean>
  /** what etcd has under a key at this moment, not what we have heard of; throws if it does not answer soon */
  read(key: string): Promise<{ value: string } | null>
}

/** How long an Endpoint that we saw coming up needs no proof, milliseconds. */
const FRESH = 500
/** How often an Endpoint that does not answer is tried again, milliseconds. */
const AGAIN = 500
/** How many apps' wakes are remembered. */
const REMEMBERED = 10_000

/**
 * Finds an instance that answers right now. etcd may say that an app runs when it does not any more: its container
 * died a moment ago, or its registrar is away and the lease has not run out.
 */
export class Living {
  readonly #catalog: Catalog
  readonly #reach: Reach
  readonly #lease: number
  /** by canonical name: what we woke, and when */
  readonly #woke = new Recent<string, { endpoint: string; at: number }>(REMEMBERED)

  /** @param lease seconds after which a host that went silent has lost its Endpoints for sure */
  constructor(catalog: Catalog, reach: Reach, lease: number) {
    this.#catalog = catalog
    this.#reach = reach
    this.#lease = lease
  }

  /** The app was woken here: its Endpoint was probed by its registrar this very moment. */
  woke(app: string, endpoint: Endpoint): void {
    const woke = { endpoint: formatEndpoint(endpoint), at: performance.now() }
    this.#woke.set(canonical(app), woke)
  }

  /** Somebody could not reach what we woke: it needs proof after all. */
  doubt(app: string): void {
    this.#woke.delete(canonical(app))
  }

  /**
   * An Endpoint of the app that answers, or null if the app has none and must be woken. While there are some and
   * none answers, waits: the registrar will remove them, or they come back. `dead` (host:port) is tried last and
   * always proven. Throws ProblemError `not-ready` if that takes longer than the app may take to start, and than the
   * lease of a host that died.
   */
  async find(
    app: App,
    dead: string,
    signal: AbortSignal,
  ): Promise<{ endpoint: Endpoint; proven: boolean } | null> {
    const until = performance.now() + Math.max(app.startTimeout, this.#lease) * 1000
    for (;;) {
      const endpoints = this.#usable(app.name, dead)
      if (endpoints.length === 0) return null
      const isDead = (endpoint: Endpoint): boolean => formatEndpoint(endpoint) === dead
      const others = endpoints.filter((endpoint) => !isDead(endpoint))
      const fresh = others.find((endpoint) => this.#isFresh(app.name, formatEndpoint(endpoint)))
      if (fresh) return { endpoint: fresh, proven: false }
      const alive =
        (await this.#firstAlive(app, others)) ??
        (await this.#firstAlive(app, endpoints.filter(isDead)))
      if (alive) return { endpoint: alive, proven: true }
      if (performance.now() > until)
        throw new ProblemError('not-ready', {
          app: app.name,
          detail: `${endpoints.map(formatEndpoint).join(', ')} is registered but does not answer`,
          retryAfter: 2,
        })
      await this.#change(app, endpoints, signal)
    }
  }

  /** What stands for the instance behind an Endpoint in a client's cookie, or null if nobody registered it. */
  pinOf(app: string, endpoint: Endpoint): string | null {
    const text = formatEndpoint(endpoint)
    for (const [slot, { value }] of this.#catalog.state.slots(app))
      if (formatEndpoint(value) === text) return pinOf({ app, slot, endpoint: text }, sha256)
    return null
  }

  /** The instance that a client stays with, if it is there and answers. */
  async pinned(app: App, { pin, dead }: { pin: string; dead: string }): Promise<Endpoint | null> {
    if (!app.sticky || pin === '') return null
    const known = this.#usable(app.name, dead).find(
      (endpoint) => formatEndpoint(endpoint) !== dead && this.pinOf(app.name, endpoint) === pin,
    )
    return known && (await this.#isAlive(app, known)) ? known : null
  }

  /**
   * An Endpoint of an app that somebody registered and we have no App of, `silent` if none of them answers, null if
   * nobody registered any. There is nothing to wake: its sidekick alone starts and stops it. A Pool without servers is
   * known all the same: it is silent.
   */
  async registered(name: string, dead: string): Promise<Endpoint | 'silent' | null> {
    const endpoints = this.#usable(name, dead)
    for (const endpoint of endpoints) if (await this.#reach.connect(endpoint)) return endpoint
    return endpoints.length > 0 || this.#catalog.state.pool(name) ? 'silent' : null
  }

  /** Whichever answers first: hosts that swallow connects hold up nobody. */
  async #firstAlive(app: App, endpoints: Endpoint[]): Promise<Endpoint | null> {
    const proofs = endpoints.map(async (endpoint) => {
      if (await this.#isAlive(app, endpoint)) return endpoint
      throw new Error(`${formatEndpoint(endpoint)} does not answer`)
    })
    return await Promise.any(proofs).catch(() => null)
  }

  /**
   * Gateways may know before us that the Endpoint was removed, and its registrar stops the instance once they do: so
   * we ask etcd itself. Where that is away nobody is put to sleep, and a connect is proof enough.
   */
  async #isAlive(app: App, endpoint: Endpoint): Promise<boolean> {
    const text = formatEndpoint(endpoint)
    const entry = [...this.#catalog.state.slots(app.name).values()].find(
      ({ value }) => formatEndpoint(value) === text,
    )?.entry
    if (!entry) return false
    const current = this.#reach.read(entry.key).then(
      (now) => now?.value === entry.value,
      () => true,
    )
    const answers = await Promise.all([this.#reach.connect(endpoint), current])
    return answers.every(Boolean)
  }

  /** Endpoints in slot order, without those about to go away; a wake takes such a sleep back if it still can. */
  #usable(app: string, dead: string): Endpoint[] {
    const found: Endpoint[] = []
    for (const [slot, { value }] of [...this.#catalog.state.slots(app)].sort(([a], [b]) => a - b))
      if (this.#catalog.claim(app, slot)?.value.action !== 'sleep') found.push(value)
    const isDead = (endpoint: Endpoint): number => Number(formatEndpoint(endpoint) === dead)
    return found.sort((a, b) => isDead(a) - isDead(b))
  }

  #isFresh(app: string, endpoint: string): boolean {
    const woke = this.#woke.get(canonical(app))
    return woke?.endpoint === endpoint && performance.now() - woke.at < FRESH
  }

  /** Resolves when the app's Endpoints are others, or it is time to try them again. */
  async #change(app: App, known: Endpoint[], signal: AbortSignal): Promise<void> {
    const before = known.map(formatEndpoint).sort().join()
    const differs = (): true | null =>
      this.#usable(app.name, '').map(formatEndpoint).sort().join() === before ? null : true
    await this.#catalog.whenWithin(app.name, differs, AGAIN, signal)
  }
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}
