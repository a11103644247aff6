import type { App } from '../../model/app.ts'
import { isAwake, isUp } from '../../model/container.ts'
import { isMadeByHand } from '../../model/label.ts'
import { ProblemError } from '../../model/problem.ts'
import type { Held } from '../../model/state.ts'
import type { Catalog } from '../catalog.ts'
import type { Collection } from '../collection.ts'
import { endedInOrder } from '../fleet.ts'
import { revisionOf } from '../revision.ts'
import { startFailed } from '../wake/failure.ts'
import type { Exchange, Tell } from './exchange.ts'
import type { Retreat } from './retreat.ts'
import { type Rolls, spareSlot, type Turn } from './roll.ts'
import { type Found, isOlder, type Slots } from './slots.ts'

export interface ReplacerOptions {
  catalog: Catalog
  apps: Collection<App>
  rolls: Rolls
  slots: Slots
  exchange: Exchange
  retreat: Retreat
}

/** What a replace did. */
export interface Replaced {
  /** etcd revision of the App now */
  revision: string
  /** slots that run with the new App now and did not before */
  slots: number[]
  /** containers of the old App that were removed while they slept */
  removed: number
  /** what could not be removed, and why */
  left: string[]
}

/** One replace. */
interface Job {
  /** as it was read */
  held: Held<App>
  next: App
  turn: Turn
  tell: Tell
}

/** Somebody may start a slot with the old App while it is replaced: so often is looked for that. */
const PASSES = 3

/** Replaces Apps while they are used (docs/decisions/0024): proves the new one, then goes slot by slot, or back. */
export class Replacer {
  readonly #options: ReplacerOptions

  constructor(options: ReplacerOptions) {
    this.#options = options
  }

  /**
   * Makes the App of `held` into `next`. Throws ProblemError: `start-failed` or `not-ready` if an instance of the new
   * one does not get ready (then the old one is as it was), `changed` if somebody else changed it meanwhile,
   * `conflict` if somebody replaces it already.
   */
  async replace(held: Held<App>, next: App, tell: Tell): Promise<Replaced> {
    return await this.#options.rolls.hold(held.value.name, (turn) =>
      this.#replace({ held, next, turn, tell }),
    )
  }

  async #replace(job: Job): Promise<Replaced> {
    const { exchange } = this.#options
    const { held, next, tell } = job
    const name = next.name
    const isOld = isOlder(next)
    const { found } = await this.#look(name)
    const isOther = revisionOf(next) !== revisionOf(held.value)
    const needsProof = isOther || found.some((one) => isAwake(one.container) && isOld(one))
    const spare = needsProof ? this.#proofSlot(held.value, next, found) : null
    if (spare !== null) await exchange.prove(next, spare, tell, () => this.#isStill(held))
    let revision: string
    let renewed: number[]
    try {
      revision = await this.#store(job)
      renewed = await this.#roll(job, revision, spare)
    } finally {
      if (spare !== null) {
        tell({ app: name, step: 'removing', slot: spare })
        await exchange.discard(name, spare)
      }
    }
    tell({ app: name, step: 'removing' })
    const { removed, kept, silent } = await exchange.clear(name, isOld)
    const left = [
      ...kept.map(({ found: { container }, reason }) => `${container.name} ${reason}`),
      ...silent.map((host) => `${host.name} does not answer: what it has of the old one is left`),
    ]
    return { revision, slots: renewed, removed: removed.length, left }
  }

  /** What is there of the app. Throws ProblemError if it cannot be replaced as it is. */
  async #look(name: string): Promise<{ found: Found[] }> {
    const { slots, catalog } = this.#options
    const { found, silent } = await slots.of(name)
    const addresses = new Set(
      [...catalog.state.slots(name).values()].map(({ value }) => value.host),
    )
    const hidden = silent.find(({ address }) => addresses.has(address))
    if (hidden)
      throw new ProblemError('unavailable', {
        app: name,
        detail: `it runs on ${hidden.name}, whose engine does not answer`,
        retryAfter: 5,
      })
    const own = found.find(({ spec }) => isMadeByHand(spec))
    if (own)
      throw conflict(name, `${own.container.name} on ${own.host.name} was made by hand: remove it`)
    this.#mustBeOurs(name, found)
    return { found }
  }

  /** What a sidekick has registered nobody here can exchange. Throws ProblemError `conflict`. */
  #mustBeOurs(name: string, found: readonly Found[]): void {
    const { state } = this.#options.catalog
    const leases = new Set(['0', ...[...state.hosts.values()].map(({ entry }) => entry.lease)])
    const up = new Set(
      found.filter(({ container }) => isUp(container)).map(({ spec }) => spec.slot),
    )
    for (const [slot, { entry }] of state.slots(name))
      if (!leases.has(entry.lease) && !up.has(slot))
        throw conflict(name, `slot ${slot} is registered by a sidekick; stop that`)
  }

  /**
   * The slot in which the new App is proven. Two instances never write to the same volumes, nor listen at one port of a
   * host: an app that does is proven in its own slot while it sleeps, and while it runs not at all (null), so that it
   * is stopped first. Throws
   * ProblemError `conflict` if no slot is free.
   */
  #proofSlot(old: App, next: App, found: readonly Found[]): number | null {
    if ([old, next].some(({ volumes, network }) => volumes.length > 0 || network === 'host'))
      return found.some(({ container }) => isAwake(container)) ? null : 0
    const registered = this.#options.catalog.state.slots(next.name).keys()
    const spare = spareSlot(Math.max(old.replicas, next.replicas), found, registered)
    if (spare === null) throw conflict(next.name, 'all of its slots are taken')
    return spare
  }

  #isStill({ value, entry }: Held<App>): boolean {
    return this.#options.apps.get(value.name)?.entry.modRevision === entry.modRevision
  }

  /** Stores the new App where that says anything new. Returns its revision. */
  async #store({ held, next, turn, tell }: Job): Promise<string> {
    turn.check()
    const { modRevision } = held.entry
    if (JSON.stringify(held.value) === JSON.stringify(next)) return modRevision
    tell({ app: next.name, step: 'storing' })
    const revision = await this.#options.apps.replace(next, modRevision)
    if (revision === null) throw new ProblemError('unknown-app', { app: next.name })
    return revision
  }

  /** Makes each instance of an older App anew, and puts those to sleep that the new one does not have. */
  async #roll(job: Job, revision: string, spare: number | null): Promise<number[]> {
    const { exchange } = this.#options
    const { next, turn, tell } = job
    const renewed: number[] = []
    try {
      for (let pass = 0; pass < PASSES; pass++) {
        const { found } = await this.#look(next.name)
        stillWell(next.name, found, spare)
        const old = found.filter((one) => isAwake(one.container) && isOlder(next)(one))
        if (old.length === 0) break
        for (const one of old.sort((a, b) => a.spec.slot - b.spec.slot)) {
          if (one.spec.slot >= next.replicas) await exchange.sleep(next, one, turn, tell)
          else {
            renewed.push(one.spec.slot)
            await exchange.renew(next, one, turn, tell)
          }
        }
      }
      return renewed
    } catch (error) {
      const { retreat } = this.#options
      throw await retreat.after(error, { ...job, revision, touched: renewed, spare })
    }
  }
}

/** Throws ProblemError if the instance that proved the App did not last: the others would not either. */
function stillWell(app: string, found: readonly Found[], spare: number | null): void {
  const proof = found.find(({ spec }) => spec.slot === spare)
  if (!proof || isUp(proof.container) || endedInOrder(proof.container)) return
  throw startFailed(app, `it got ready, then exited with code ${proof.container.exitCode}`)
}

function conflict(app: string, detail: string): ProblemError {
  return new ProblemError('conflict', { app, detail })
}
