import type { Container } from '../../model/container.ts'
import { neededNow } from '../../model/dependency.ts'
import type { Endpoint } from '../../model/endpoint.ts'
import { APP_LABEL, readLabels } from '../../model/label.ts'
import { canonical } from '../../model/name.ts'
import { ProblemError } from '../../model/problem.ts'
import type { Fleet, Instance } from '../fleet.ts'
import type { Estate } from '../place/estate.ts'
import { clearAway, type Grounds } from '../place/ground.ts'
import { describe } from '../wake/failure.ts'
import { type ClaimOptions, MARGIN, type Slot, sleepSlot } from './slot.ts'

export interface SleeperOptions extends ClaimOptions {
  fleet: Fleet
  estate: Estate
  engines: {
    at(url: string): {
      groups: Pick<Grounds, 'dropNetwork' | 'removeVolume'>
      remove(id: string): Promise<void>
    }
  }
  /** removes the stored App, if it is at revision `expected` where given; false if there is none */
  forget(name: string, expected?: string): Promise<boolean>
  wake(name: string): Promise<Endpoint>
  /** seconds open requests may keep an instance that is told to sleep */
  drainTimeout: number
}

export interface RemoveOptions {
  /** revision the stored App must have */
  expected?: string | undefined
  /** its volumes too, with all that is in them */
  volumes?: boolean
  /** although other apps depend on it */
  force?: boolean
}

/** What a removal did. */
export interface Removal {
  /** containers removed */
  containers: number
  /** volumes removed, with all that was in them */
  volumes: number
  /** hosts whose engine did not answer: their containers and volumes, if any, are still there */
  unreachable: string[]
}

/** Longest stop of an instance whose App nobody knows any more, seconds; Docker's default. */
const STOP_TIMEOUT = 10

/** Puts apps to sleep, restarts and removes them. The registrars do the work, asked by claims. */
export class Sleeper {
  readonly #options: SleeperOptions

  constructor(options: SleeperOptions) {
    this.#options = options
  }

  /**
   * Puts every instance above `min` to sleep. Returns how many were asked to; they may be awake again, since a
   * request that comes meanwhile wins (unless `firm`). Throws ProblemError `conflict` if `min`, or an app that needs
   * it, keeps all awake.
   */
  async sleep(name: string, { firm = false } = {}): Promise<number> {
    const min = this.#options.catalog.find(name)?.min ?? 0
    const slots = await this.#running(name)
    const users = slots.length > 0 ? this.#users(name) : []
    if (users.length > 0)
      throw new ProblemError('conflict', {
        detail: `it is needed by ${users.join(', ')}: put to sleep first what needs it, it follows by itself`,
      })
    const free = slots.filter(({ slot }) => slot >= min)
    if (slots.length > 0 && free.length === 0)
      throw new ProblemError('conflict', { detail: `min: ${min} keeps it awake` })
    await this.#sleep(name, free, firm)
    return free.length
  }

  /** Puts every instance to sleep, whatever comes meanwhile, and wakes the app. Returns its Endpoint. */
  async restart(name: string): Promise<Endpoint> {
    await this.#sleep(name, await this.#running(name), true)
    return await this.#options.wake(name)
  }

  /**
   * Forgets the App, stops its instances and removes its containers, and its volumes only where that is said. Works
   * again after a failure half-way, and for the containers of an app made by a Blueprint. Null if there is neither App
   * nor container of that name.
   */
  async remove(
    name: string,
    { expected, volumes = false, force = false }: RemoveOptions = {},
  ): Promise<Removal | null> {
    const { catalog, fleet, engines, store, forget } = this.#options
    const app = catalog.find(name)
    const users = new Set([...this.#users(name), ...this.#dependents(name)])
    if (users.size > 0 && !force)
      throw new ProblemError('conflict', {
        detail: `it is needed by ${[...users].slice(0, 5).join(', ')}: remove first what needs it, or force it`,
      })
    // Before anything is done: of a sidekick's app nothing would come of it.
    await this.#running(name)
    const forgotten = await forget(name, expected)
    await this.#sleep(name, await this.#running(name), true, app?.stopTimeout)
    const removal: Removal = { containers: 0, volumes: 0, unreachable: [] }
    const failures: string[] = []
    const present = new Set<string>()
    for (const [host, containers] of await fleet.containers('patient')) {
      if (!containers) removal.unreachable.push(host.name)
      for (const container of containers ?? []) {
        present.add(container.labels[APP_LABEL] ?? '')
        if (!isOf(container, name)) continue
        const engine = engines.at(host.engine)
        try {
          await clearAway(container, engine)
          removal.containers++
        } catch (error) {
          failures.push(`${container.name} on ${host.name}: ${describe(error)}`)
        }
      }
    }
    if (failures.length > 0)
      throw new ProblemError('unavailable', {
        app: name,
        detail: `not all of its containers could be removed; ${failures.slice(0, 5).join('; ')}`,
      })
    if (app) await this.#options.estate.settle(app, volumes, present, removal)
    await store.remove(catalog.keys.named('activity', canonical(name)))
    return forgotten || removal.containers > 0 || removal.volumes > 0 ? removal : null
  }

  /** Apps that depend on it and are awake. */
  #users(name: string): string[] {
    const { catalog } = this.#options
    const needed = neededNow(catalog.state, catalog.keys, (other) => catalog.find(other))
    return needed.get(canonical(name)) ?? []
  }

  /** Stored apps that depend on it. */
  #dependents(name: string): string[] {
    return [...this.#options.catalog.state.apps.values()]
      .filter(({ value }) => value.dependsOn.some((other) => canonical(other) === canonical(name)))
      .map(({ value }) => value.name)
  }

  /** Instances that run, ready or not, each slot once. */
  async #running(name: string): Promise<Slot[]> {
    const slots = new Map<number, Slot>()
    for (const instance of await this.#options.fleet.instances('patient', name)) {
      const { app, slot, host, state } = instance
      if (this.#isSidekick(instance))
        throw new ProblemError('conflict', {
          app,
          detail: `slot ${slot} is registered by a sidekick; stop that`,
        })
      if (state !== 'asleep' && state !== 'exited' && !slots.has(slot))
        slots.set(slot, { app, slot, host: host ?? '' })
    }
    return [...slots.values()]
  }

  /** An Endpoint without a container, under a lease that no registrar of a host has. */
  #isSidekick({ app, slot, container }: Instance): boolean {
    const { state } = this.#options.catalog
    const lease = state.slots(app).get(slot)?.entry.lease ?? '0'
    if (container !== null || lease === '0') return false
    return ![...state.hosts.values()].some(({ entry }) => entry.lease === lease)
  }

  async #sleep(name: string, slots: Slot[], firm: boolean, stopTimeout?: number): Promise<void> {
    const stop = stopTimeout ?? this.#options.catalog.find(name)?.stopTimeout ?? STOP_TIMEOUT
    const deadline = this.#options.drainTimeout + stop + MARGIN
    const results = await Promise.allSettled(
      slots.map((slot) => sleepSlot(slot, { firm, deadline }, this.#options)),
    )
    const failed = results.find((result) => result.status === 'rejected')
    if (failed) throw failed.reason
  }
}

/** Only containers whose labels are whole and name this app: nothing else is ever removed. */
function isOf(container: Container, name: string): boolean {
  const labels = readLabels(container.labels)
  return labels.ok && canonical(labels.spec.app) === canonical(name)
}
