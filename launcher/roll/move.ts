import type { App } from '../../model/app.ts'
import type { Catalog } from '../catalog.ts'
import { revisionOf } from '../revision.ts'
import { explain } from '../wake/failure.ts'
import type { Exchange, Tell } from './exchange.ts'
import { type Rolls, spareSlot, type Turn } from './roll.ts'
import type { Found, Slots } from './slots.ts'

export interface MoverOptions {
  catalog: Catalog
  rolls: Rolls
  slots: Slots
  exchange: Exchange
}

/** Something that a drain could not take away from its host. */
export interface Left {
  app: string
  slot: number
  /** id of the container */
  container: string
  reason: string
}

/** How long an app that is being replaced is waited for, milliseconds. */
const PATIENCE = 120_000

/** Moves the instances of one app away from where nothing is placed any more. */
export class Mover {
  readonly #options: MoverOptions

  constructor(options: MoverOptions) {
    this.#options = options
  }

  /** Starts elsewhere what runs here. Returns what stayed. Never throws. */
  async move(up: readonly Found[], tell: Tell): Promise<Left[]> {
    const { catalog, rolls } = this.#options
    const name = up[0]?.spec.app ?? ''
    try {
      return await rolls.turn(name, PATIENCE, async (turn) => {
        const app = catalog.find(name)
        if (app) return await this.#exchange(app, up, turn, tell)
        return up.map((one) => leave(one, `nobody knows its App: reveille app rm ${name}`))
      })
    } catch (error) {
      return up.map((one) => leave(one, reasonOf(name, error)))
    }
  }

  async #exchange(app: App, up: readonly Found[], turn: Turn, tell: Tell): Promise<Left[]> {
    const { catalog, slots, exchange } = this.#options
    if (catalog.state.hosts.size === 1)
      return up.map((one) => leave(one, 'does not start elsewhere: there is no other host'))
    const registered = catalog.state.slots(app.name).keys()
    const spare = spareSlot(app.replicas, (await slots.of(app.name)).found, registered)
    if (spare === null) return up.map((one) => leave(one, 'has no slot left to be moved with'))
    const revision = revisionOf(app)
    const isWanted = (): boolean => {
      const now = catalog.find(app.name)
      return now !== null && revisionOf(now) === revision
    }
    try {
      await exchange.prove(app, spare, tell, isWanted)
    } catch (error) {
      return up.map((one) => leave(one, `does not start elsewhere: ${reasonOf(app.name, error)}`))
    }
    const left: Left[] = []
    try {
      for (const one of [...up].sort((a, b) => a.spec.slot - b.spec.slot))
        try {
          if (one.spec.slot < app.replicas) await exchange.renew(app, one, turn, tell)
          else await exchange.sleep(app, one, turn, tell)
        } catch (error) {
          left.push(leave(one, reasonOf(app.name, error)))
        }
    } finally {
      tell({ app: app.name, step: 'removing', slot: spare })
      await exchange.discard(app.name, spare)
    }
    return left
  }
}

export function leave({ spec: { app, slot }, container: { id } }: Found, reason: string): Left {
  return { app, slot, container: id, reason }
}

/** Why, in one line. */
function reasonOf(app: string, error: unknown): string {
  const { problem } = explain(app, error)
  return (problem.detail ?? problem.title).split('\n')[0] ?? ''
}
