import type { App } from '../../model/app.ts'
import { type Container, isUp } from '../../model/container.ts'
import { type InstanceSpec, isMadeByHand, readLabels } from '../../model/label.ts'
import { canonical } from '../../model/name.ts'
import type { Host } from '../../model/record.ts'
import type { Engine, Engines } from '../engine.ts'
import type { Fleet } from '../fleet.ts'
import { clearAway, type Grounds } from '../place/ground.ts'
import { revisionOf } from '../revision.ts'
import { type ClaimOptions, MARGIN, sleepSlot } from '../sleep/slot.ts'
import { lastLines } from '../wake/failure.ts'

/** One container of an app, where it is and what it says of itself. */
export interface Found {
  host: Host
  container: Container
  spec: InstanceSpec
}

export interface SlotsOptions extends ClaimOptions {
  fleet: Pick<Fleet, 'containers'>
  engines: Pick<Engines<SlotEngine>, 'at'>
  /** seconds open requests may keep an instance that is told to sleep */
  drainTimeout: number
}

/** The part of an engine that is needed to clear away what it has. */
export type SlotEngine = Pick<Engine, 'remove' | 'logs'> & {
  groups: Pick<Grounds, 'dropNetwork'>
}

/** Whether a container was made from another App than `app`. */
export function isOlder(app: App): (found: Found) => boolean {
  const revision = revisionOf(app)
  return ({ spec }) =>
    canonical(spec.app) === canonical(app.name) && spec.revision !== revision && !isMadeByHand(spec)
}

/** Single slots of apps: what is there of them, and how they are put to sleep and cleared away. */
export class Slots {
  readonly #options: SlotsOptions

  constructor(options: SlotsOptions) {
    this.#options = options
  }

  /** All containers that `wanted` is true of, and the hosts whose engine does not say what it has. */
  async find(wanted: (found: Found) => boolean): Promise<{ found: Found[]; silent: Host[] }> {
    const silent: Host[] = []
    const found: Found[] = []
    for (const [host, containers] of await this.#options.fleet.containers('patient')) {
      if (!containers) silent.push(host)
      for (const container of containers ?? []) {
        const labels = readLabels(container.labels)
        if (labels.ok) found.push({ host, container, spec: labels.spec })
      }
    }
    return { found: found.filter(wanted), silent }
  }

  /** The containers of one app. */
  of(app: string): Promise<{ found: Found[]; silent: Host[] }> {
    return this.find(({ spec }) => canonical(spec.app) === canonical(app))
  }

  /**
   * Puts what runs in a slot to sleep: its route goes, its open requests end, no wake takes that back. Throws
   * ProblemError.
   */
  async sleep({ host, spec }: Found): Promise<void> {
    const { catalog, drainTimeout } = this.#options
    const { app, slot } = spec
    const stop = catalog.find(app)?.stopTimeout ?? spec.stopTimeout
    const request = { firm: true, deadline: drainTimeout + stop + MARGIN }
    await sleepSlot({ app, slot, host: host.name }, request, this.#options)
  }

  /** Removes containers that do not run. Throws the engine's error. */
  async remove(containers: readonly Found[]): Promise<void> {
    const { engines } = this.#options
    for (const { host, container } of containers)
      await clearAway(container, engines.at(host.engine))
  }

  /** What the container of a slot wrote last; nothing if there is none, or its engine does not tell. */
  async lines(app: string, slot: number): Promise<string[]> {
    const { found } = await this.of(app)
    const own = found.find(({ spec }) => spec.slot === slot)
    if (!own) return []
    return await lastLines(this.#options.engines.at(own.host.engine), own.container.id)
  }

  /**
   * Puts a slot to sleep for good and clears it away. False if nothing of it is found, or somebody made its container by
   * hand: that is not ours to remove. Throws ProblemError, or the engine's error.
   */
  async retire(app: string, slot: number): Promise<boolean> {
    const own = (await this.of(app)).found.filter(({ spec }) => spec.slot === slot)
    if (own.length === 0 || own.some(({ spec }) => isMadeByHand(spec))) return false
    const [up] = own.filter(({ container }) => isUp(container))
    if (up) await this.sleep(up)
    await this.remove(own)
    return true
  }
}
