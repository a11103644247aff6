import { isAwake } from '../../model/container.ts'
import { isMadeByHand } from '../../model/label.ts'
import { canonical } from '../../model/name.ts'
import { ProblemError } from '../../model/problem.ts'
import type { Drain } from '../../model/record.ts'
import { type Catalog, HOSTS } from '../catalog.ts'
import type { Store } from '../collection.ts'
import { pinOf } from '../place/drained.ts'
import { Queue } from '../wake/queue.ts'
import type { Exchange, Tell } from './exchange.ts'
import { type Left, leave, type Mover } from './move.ts'
import type { Found, Slots } from './slots.ts'

export interface DrainerOptions {
  catalog: Catalog
  store: Pick<Store, 'create' | 'get' | 'remove'>
  slots: Slots
  exchange: Exchange
  mover: Mover
  now(): Date
}

/** What a drain did. */
export interface Drained {
  host: string
  /** instances that run elsewhere now */
  moved: number
  /** sleeping containers that were removed: their next wake makes them anew elsewhere */
  removed: number
  left: Left[]
}

/** Apps moved at once: each starts instances on the other hosts. */
const AT_ONCE = 4
/** What a launcher places that has not heard of the drain yet is seen in a later pass. */
const PASSES = 3
/** How long news of etcd may take to get here, milliseconds. */
const NEWS = 5_000

/** Empties hosts: nothing new is placed there, and what is there moves away without a failed request. */
export class Drainer {
  readonly #options: DrainerOptions

  constructor(options: DrainerOptions) {
    this.#options = options
  }

  /**
   * Drains a host, or goes on where an earlier run stopped. Returns what was done, and what could not be. Throws
   * ProblemError: `not-found` if there is no such host, `unavailable` if nobody can say what is on it.
   */
  async drain(host: string, tell: Tell): Promise<Drained> {
    await this.#mark(host)
    const stuck = new Map<string, Left>()
    const sum = { moved: 0, removed: 0 }
    for (let pass = 0; ; pass++) {
      const found = (await this.#on(host)).filter(({ container }) => !stuck.has(container.id))
      if (pass === PASSES)
        for (const one of found) stuck.set(one.container.id, leave(one, 'changes: drain again'))
      if (pass === PASSES || found.length === 0) return { host, ...sum, left: [...stuck.values()] }
      for (const { moved, removed, left } of await this.#pass(found, tell)) {
        sum.moved += moved
        sum.removed += removed
        for (const one of left) stuck.set(one.container, one)
      }
    }
  }

  /** Lets a host have instances again; fine if it was not drained. Throws ProblemError `not-found` if there is no such host. */
  async undrain(host: string): Promise<void> {
    const { catalog, store } = this.#options
    const key = catalog.keys.named('drain', host)
    if (!this.#knows(host) && !(await store.get(key))) throw unheardOf(host)
    await store.remove(key)
    await this.#hears(() => !catalog.state.drains.has(host))
  }

  async #mark(host: string): Promise<void> {
    const { catalog, store, now } = this.#options
    const { drains } = catalog.state
    if (!this.#knows(host)) throw unheardOf(host)
    const value = JSON.stringify({ since: now().toISOString() } satisfies Drain)
    await store.create(catalog.keys.named('drain', host), value)
    await this.#hears(() => drains.has(host))
  }

  #knows(host: string): boolean {
    const { hosts, drains } = this.#options.catalog.state
    return hosts.has(host) || drains.has(host)
  }

  async #hears(test: () => boolean): Promise<void> {
    const { catalog } = this.#options
    const never = new AbortController().signal
    await catalog.whenWithin(HOSTS, () => (test() ? true : null), NEWS, never)
  }

  /** The containers of a host. */
  async #on(host: string): Promise<Found[]> {
    const { slots, catalog } = this.#options
    if (!catalog.state.hosts.has(host)) throw unknown(host, 'its registrar is away')
    const { found, silent } = await slots.find((one) => one.host.name === host)
    if (silent.some(({ name }) => name === host)) throw unknown(host, 'its engine does not answer')
    return found
  }

  /** Moves and removes what was found on the host, app by app. */
  async #pass(found: readonly Found[], tell: Tell): Promise<Omit<Drained, 'host'>[]> {
    const apps = new Map<string, Found[]>()
    for (const one of found) {
      const name = canonical(one.spec.app)
      apps.set(name, [...(apps.get(name) ?? []), one])
    }
    const queue = new Queue(AT_ONCE)
    return await Promise.all(
      [...apps.values()].map((here) => queue.run(() => this.#empty(here, tell))),
    )
  }

  /** Takes the containers of one app away from the host. Never throws. */
  async #empty(here: readonly Found[], tell: Tell): Promise<Omit<Drained, 'host'>> {
    const byHand = here.filter(({ spec }) => isMadeByHand(spec))
    const pinned = this.#isPinned(here) ? here.filter((one) => !byHand.includes(one)) : []
    const up = here.filter(
      (one) => isAwake(one.container) && !byHand.includes(one) && !pinned.includes(one),
    )
    const stayed = up.length > 0 ? await this.#options.mover.move(up, tell) : []
    const { host, spec } = here[0] as Found
    const isHere = (one: Found): boolean => one.host.name === host.name && !isMadeByHand(one.spec)
    const { removed, kept } =
      pinned.length > 0
        ? { removed: [], kept: [] }
        : await this.#options.exchange.clear(spec.app, isHere)
    const wasUp = new Set(up.map(({ container }) => container.id))
    return {
      moved: up.length - stayed.length,
      removed: removed.filter(({ container }) => !wasUp.has(container.id)).length,
      left: [
        ...byHand.map((one) => leave(one, 'was made by hand: move it yourself, or remove it')),
        ...pinned.map((one) => leave(one, 'has its volumes here')),
        ...stayed,
        ...kept.map(({ found, reason }) => leave(found, reason)),
      ],
    }
  }

  /** Whether the volumes of these containers' app, or of its group, are on their host. */
  #isPinned(here: readonly Found[]): boolean {
    const { catalog } = this.#options
    const { host, spec } = here[0] as Found
    const app = catalog.find(spec.app)
    return app !== null && pinOf(app, catalog.state.homes) === host.name
  }
}

function unheardOf(host: string): ProblemError {
  return new ProblemError('not-found', {
    detail: `there is no host ${host}: reveille hosts lists them`,
  })
}

function unknown(host: string, why: string): ProblemError {
  return new ProblemError('unavailable', {
    detail: `${host} gets nothing new from now on, but nothing was moved: ${why}`,
    retryAfter: 5,
  })
}
