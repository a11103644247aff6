import { canonical } from '../../model/name.ts'
import type { Host } from '../../model/record.ts'
import { HOSTS } from '../catalog.ts'
import { type ClaimOptions, MARGIN, sleepSlot } from '../sleep/slot.ts'
import type { Run } from '../wake/start.ts'
import type { Sight } from './place.ts'
import type { Barred, Placement } from './placement.ts'

export interface MakingRoomOptions extends ClaimOptions {
  placement: Pick<Placement, 'place'>
  /** seconds open requests may keep an instance that is told to sleep */
  drainTimeout: number
}

/** How long an instance may take to stop whose App nobody knows any more, seconds. */
const STOP = 10
/** How long the news that something is paused no longer may take to get here, milliseconds. */
const NEWS = 2_000

/**
 * Makes room for an app that somebody waits for, where all there is to be had is kept by what sleeps paused: stops that,
 * the longest paused first, until there is room. What is being woken meanwhile is let be.
 */
export class MakingRoom {
  readonly #options: MakingRoomOptions

  constructor(options: MakingRoomOptions) {
    this.#options = options
  }

  /** Returns whether the slot has a place now. Does not throw. */
  async for({ app, slot, report, signal }: Run, sights: Sight[], barred: Barred): Promise<boolean> {
    const { placement } = this.#options
    const target = placement.place(app, slot, sights, barred, { withPaused: false })
    if (!target.ok) return false
    const { host } = target.chosen
    for (const [name, other] of this.#paused(host)) {
      if (canonical(name) === canonical(app.name)) continue
      report({ phase: 'queued', detail: `making room on ${host.name}: ${name} is paused` })
      await this.#stop(name, other, host, signal)
      if (signal.aborted) return false
      if (placement.place(app, slot, sights, barred).ok) return true
    }
    return false
  }

  /** Those that nobody is about to change, the longest paused first. */
  #paused(host: Host): [string, number][] {
    const { catalog } = this.#options
    return this.#listed(host)
      .map((text): [string, number] => {
        const [name = '', slot] = text.split('/')
        return [name, Number(slot)]
      })
      .filter(([name, slot]) => !catalog.claim(name, slot) && !catalog.endpoint(name, slot))
  }

  async #stop(app: string, slot: number, host: Host, signal: AbortSignal): Promise<void> {
    const { catalog, drainTimeout } = this.#options
    const stop = catalog.find(app)?.stopTimeout ?? STOP
    const request = { firm: false, isYielding: true, deadline: drainTimeout + stop + MARGIN }
    // One that cannot be stopped leaves its turn to the next.
    await sleepSlot({ app, slot, host: host.name }, request, this.#options).catch(() => {})
    const isGone = (): true | null => (this.#listed(host).includes(`${app}/${slot}`) ? null : true)
    await catalog.whenWithin(HOSTS, isGone, NEWS, signal).catch(() => {})
  }

  #listed({ name }: Host): string[] {
    return this.#options.catalog.state.hosts.get(name)?.value.paused ?? []
  }
}
