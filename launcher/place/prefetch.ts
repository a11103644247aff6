import type { Logger } from 'pino'
import type { App } from '../../model/app.ts'
import { meets, parseConstraint } from '../../model/constraint.ts'
import { isAllowedImage, isMadeHere } from '../../model/image.ts'
import type { Host } from '../../model/record.ts'
import type { Catalog } from '../catalog.ts'
import { type Engine, wordsOf } from '../engine.ts'
import { hasImage } from './place.ts'

export interface PrefetchOptions {
  /** of this launcher */
  id: string
  catalog: Catalog
  engines: { at(url: string): Pick<Engine, 'pull'> }
  /** registries images may be pulled from */
  registries: readonly string[]
  log: Pick<Logger, 'info' | 'warn'>
}

/** How often it is looked for images that hosts lack, milliseconds. */
const EVERY = 10_000
/** A host that has less of its disk free is left alone, bytes: who waits for an image needs some, too. */
const SPACE = 4 * 1024 ** 3
/** A pull that takes longer is given up, milliseconds. */
const LIMIT = 30 * 60_000
/** When one that failed is tried again, milliseconds. */
const AGAIN = 10 * 60_000
/**
 * The same of one that is there by its engine's word, if its host does not name it, as one that an App has by its digest:
 * registries count who asks.
 */
const UNNAMED = 24 * 3_600_000

/**
 * Pulls images ahead of the first start, for apps that ask for it: one at a time on each host, and none where somebody
 * starts something just then. The first launcher by name does it for all.
 */
export class Prefetch {
  readonly #options: PrefetchOptions
  /** names of the hosts that are pulling */
  readonly #busy = new Set<string>()
  /** by host and image: not before this time */
  readonly #notBefore = new Map<string, number>()
  readonly #ending = new AbortController()
  #timer: NodeJS.Timeout | null = null

  constructor(options: PrefetchOptions) {
    this.#options = options
  }

  start(): void {
    this.#timer = setInterval(() => this.look(), EVERY)
  }

  stop(): void {
    if (this.#timer) clearInterval(this.#timer)
    this.#timer = null
    this.#ending.abort()
  }

  /** Begins what is to be pulled now. */
  look(): void {
    const { catalog, id } = this.#options
    const { hosts, launchers, drains } = catalog.state
    const now = performance.now()
    for (const [key, until] of this.#notBefore) if (until <= now) this.#notBefore.delete(key)
    const [first = id] = [...launchers.keys()].sort()
    if (first !== id) return
    const apps: App[] = []
    for (const { value } of catalog.state.apps.values()) if (value.prefetch) apps.push(value)
    if (apps.length === 0) return
    for (const { value: host } of hosts.values()) {
      if (this.#busy.has(host.name) || drains.has(host.name) || this.#isStarting(host)) continue
      const app = apps.find((one) => this.#lacks(host, one))
      if (app) void this.#pull(host, app)
    }
  }

  /** Whether somebody starts something there: that comes first. */
  #isStarting({ name }: Host): boolean {
    return [...this.#options.catalog.state.claims.values()].some(
      ({ value }) => value.action === 'wake' && value.host === name,
    )
  }

  #lacks(host: Host, { image, constraints }: App): boolean {
    const key = `${host.name} ${image}`
    if (hasImage(host, image)) {
      this.#notBefore.delete(key)
      return false
    }
    if (this.#notBefore.has(key) || isMadeHere(image)) return false
    if (host.disk !== undefined && host.disk < SPACE) return false
    if (!isAllowedImage(image, this.#options.registries)) return false
    return constraints.every((text) => {
      const constraint = parseConstraint(text)
      return constraint !== null && meets(constraint, host)
    })
  }

  /** Does not throw. */
  async #pull({ name: host, engine }: Host, { name: app, image }: App): Promise<void> {
    const { engines, log } = this.#options
    this.#busy.add(host)
    let again = AGAIN
    try {
      const limit = AbortSignal.any([this.#ending.signal, AbortSignal.timeout(LIMIT)])
      await engines.at(engine).pull(image, () => {}, limit)
      again = UNNAMED
      log.info({ app, image, host }, 'pulled ahead')
    } catch (error) {
      const reason = wordsOf(error)
      if (!this.#ending.signal.aborted) log.warn({ app, image, host, reason }, 'not pulled ahead')
    } finally {
      this.#notBefore.set(`${host} ${image}`, performance.now() + again)
      this.#busy.delete(host)
    }
  }
}
