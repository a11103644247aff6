import type { Proxy } from './apply.ts'
import type { Kept } from './kept.ts'
import type { GatewayPlan } from './plan.ts'
import { type Table, tableOf, textOf } from './table.ts'

/** The way to the table in nginx's memory. */
export interface Door {
  /** which of several it is; nginx's configuration says so */
  readonly number: number
  /** the revision of the table, null if nobody is there; rejects if somebody is, and silent */
  revision(): Promise<string | null>
  /** Puts a text of `textOf` into it. Returns the table's revision after it, null if nobody is there; rejects with nginx's words. */
  put(text: string): Promise<string | null>
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
  /** what nginx has, null if that is not known */
  #table: Table | null = null
  /** what it should have */
  #wanted = ''
  /** whether it has that, or will when it starts */
  #done = false
  #last: { plan: GatewayPlan; table: Table } | null = null
  #losses = 0

  constructor(door: Door, file: Pick<Kept, 'keep' | 'tried' | 'stop'>) {
    this.#door = door
    this.#file = file
  }

  /** Whether this plan's table is what nginx has, as far as nobody changed that behind our back. */
  runs(plan: GatewayPlan): boolean {
    return this.#done && this.#of(plan).revision === this.#wanted
  }

  /** What of a plan is in nginx's configuration. */
  frameOf(plan: GatewayPlan): GatewayPlan {
    return { ...plan, apps: [], door: this.#door.number }
  }

  /** Whether nginx has another table than it was given, or none: it was started, with an older file or without one. */
  async strayed(): Promise<boolean> {
    const wanted = this.#wanted
    if (wanted === '' || !this.#done) return false
    const revision = await this.#door.revision().catch(() => wanted)
    if (revision === wanted || wanted !== this.#wanted) return false
    this.#table = null
    return true
  }

  /** Rejects with nginx's words where it does not take the table. Calls must not overlap. */
  async push(plan: GatewayPlan, proxy: Pick<Proxy, 'running'>): Promise<Pushed> {
    const table = this.#of(plan)
    const { revision } = table
    if (this.#table && revision === this.#wanted) return 'unchanged'
    this.#wanted = revision
    this.#done = false
    this.#file.keep(textOf(table, null))
    const known = this.#table
    this.#table = null
    // It ends behind its door, so whether it runs is asked first.
    const isRunning = await proxy.running()
    const before = known ? known.revision : await this.#door.revision()
    const after = before === null || before === revision ? before : await this.#put(table, known)
    if (after === null) return isRunning ? 'lost' : this.#leave()
    if (after !== revision) throw new Error(`the table of routes is ${after}, not ${revision}`)
    this.#table = table
    this.#done = true
    this.#losses = 0
    return before === revision ? 'unchanged' : 'pushed'
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

  /** What is wanted of a plan. Kept, as the same plan is asked about several times. */
  #of(plan: GatewayPlan): Table {
    if (this.#last?.plan !== plan) this.#last = { plan, table: tableOf(plan) }
    return this.#last.table
  }

  async #put(table: Table, known: Table | null): Promise<string | null> {
    const after = await this.#door.put(textOf(table, known))
    // It was another one than it was thought to be: all of it, then.
    const isOther = known !== null && after !== null && after !== table.revision
    return isOther ? this.#door.put(textOf(table, null)) : after
  }

  async #leave(): Promise<'kept'> {
    await this.written()
    this.#done = true
    return 'kept'
  }
}
