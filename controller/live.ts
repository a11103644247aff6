import type { Proxy } from './apply.ts'
import type { Kept } from './kept.ts'
import type { GatewayPlan } from './plan.ts'
import type { Plans } from './plans.ts'
import { stepsOf, targetsOf } from './step.ts'
import { Table } from './table.ts'

/** The way to the table in nginx's memory. */
export interface Door {
  /** which of several it is; nginx's configuration says so */
  readonly number: number
  /** the revision of the table, null if nobody is there; rejects if somebody is, and silent */
  revision(): Promise<string | null>
  /**
   * Puts a text of a table into it, unless somebody else did since it was asked last. Returns what the table is after it,
   * null if nobody is there; rejects with nginx's words.
   */
  put(text: string): Promise<{ revision: string; refused: readonly string[] } | null>
  /** Makes room for another one in place of this one. */
  change(): Promise<void>
}

/**
 * What came of a push. `kept`: nginx does not run, and will read it when it starts. `lost`: it does, and nobody is at the
 * door.
 */
export type Pushed = 'unchanged' | 'pushed' | 'kept' | 'lost'

/**
 * Keeps the table in nginx's memory what the plan says. The revision stands for all of its content, so one that nginx
 * answers proves what it holds, whoever put it there.
 */
export class LiveTable {
  readonly #door: Door
  readonly #file: Pick<Kept, 'keep' | 'tried' | 'stop'>
  /** what nginx should have */
  readonly #table = new Table()
  /** of what it should have: what was taken last */
  #wanted = ''
  /** whether it has that, or will when it starts */
  #done = false
  /** instances in that */
  #endpoints = 0
  /** whether it has that now */
  #isThere = false
  /** apps that routes lead to, as this frame says */
  #targets: { frame: GatewayPlan | null; names: Set<string> } = { frame: null, names: new Set() }
  #framed: { of: GatewayPlan; frame: GatewayPlan } | null = null
  #losses = 0

  constructor(door: Door, file: Pick<Kept, 'keep' | 'tried' | 'stop'>) {
    this.#door = door
    this.#file = file
  }

  /** Takes what changed in the plan since it was asked last. */
  take(plans: Pick<Plans, 'frame' | 'news'>): void {
    const frame = plans.frame()
    if (frame !== this.#targets.frame) this.#targets = { frame, names: targetsOf(stepsOf(frame)) }
    for (const [name, app] of plans.news())
      this.#table.set(name, app, this.#targets.names.has(name))
  }

  /** Whether nginx has what was taken, as far as nobody changed that behind our back. */
  get runs(): boolean {
    return this.#done && !this.#table.isChanged
  }

  /** Names of apps that nginx has no line of, as it does not take theirs. */
  get refused(): Iterable<string> {
    return this.#table.refused
  }

  /** Instances in the table that was pushed last. */
  get endpoints(): number {
    return this.#endpoints
  }

  /** What of a plan is in nginx's configuration: the same object for the same plan, as it is asked with each change. */
  frameOf(plan: GatewayPlan): GatewayPlan {
    const { number } = this.#door
    if (this.#framed?.of !== plan || this.#framed.frame.door !== number)
      this.#framed = { of: plan, frame: { ...plan, apps: [], door: number } }
    return this.#framed.frame
  }

  /** Whether nginx has another table than it was given, or none: it was started, with an older file or without one. */
  async strayed(): Promise<boolean> {
    const wanted = this.#wanted
    if (wanted === '' || !this.#done) return false
    const revision = await this.#door.revision().catch(() => wanted)
    if (revision === wanted || wanted !== this.#wanted) return false
    this.#isThere = false
    return true
  }

  /** Rejects with nginx's words where it does not take the table. Calls must not overlap. */
  async push(proxy: Pick<Proxy, 'running'>): Promise<Pushed> {
    const table = this.#table
    if (this.#isThere && !table.isChanged) return 'unchanged'
    const changes = this.#isThere ? table.changes() : null
    this.#want()
    this.#isThere = false
    this.#done = false
    let after = changes === null ? await this.#door.revision() : await this.#put(changes)
    const wasThere = changes === null && after === this.#wanted
    // It was another one than it was thought to be: all of it, then.
    if (after !== null && after !== this.#wanted) {
      this.#want()
      after = await this.#put(table.whole())
    }
    if (after === null) return (await proxy.running()) ? 'lost' : this.#leave()
    if (after !== this.#wanted)
      throw new Error(`the table of routes is ${after}, not ${this.#wanted}`)
    this.#isThere = true
    this.#done = true
    this.#losses = 0
    return wasThere ? 'unchanged' : 'pushed'
  }

  /**
   * Nobody was at a door that should be open. Once may be an nginx that ends or starts; twice is one that is gone for good,
   * but for a reload with another one.
   */
  async reopen(): Promise<void> {
    this.#losses += 1
    if (this.#losses > 1) await this.#door.change()
  }

  /** Resolves when nginx finds in the file what it should have, or that could not be written. */
  written(): Promise<void> {
    return this.#file.tried()
  }

  stop(): Promise<void> {
    return this.#file.stop()
  }

  /** Returns the revision after it, null if nobody is there. An app whose line nginx does not take has none from now on. */
  async #put(text: string): Promise<string | null> {
    const answer = await this.#door.put(text)
    for (const name of answer?.refused ?? []) this.#table.refuse(name)
    return answer?.revision ?? null
  }

  /** Nginx is to have the table as it is now, and to find it in the file: of one that waits for nginx, once is enough. */
  #want(): void {
    const before = this.#wanted
    this.#wanted = this.#table.take()
    this.#endpoints = this.#table.endpoints
    if (this.#wanted !== before) this.#file.keep(() => this.#table.whole())
  }

  async #leave(): Promise<'kept'> {
    await this.written()
    this.#done = true
    this.#losses = 0
    return 'kept'
  }
}
