import type { Kept } from './kept.ts'
import type { GatewayPlan } from './plan.ts'
import { revisionOf, type Table, tableOf, textOf } from './table.ts'

/** The way to the table in nginx's memory. */
export interface Door {
  /** the revision of the table, null if nobody answers */
  revision(): Promise<string | null>
  /** Puts a text of `textOf` into it. Returns the table's revision after it, null if nobody answers; rejects with nginx's words. */
  put(text: string): Promise<string | null>
}

/** What came of a push: `absent` is that nobody answered; then nginx reads the file that was written when it starts. */
export type Pushed = 'unchanged' | 'pushed' | 'absent'

/**
 * Keeps the table in nginx's memory what the plan says. The revision stands for all of its content, so one that nginx
 * answers proves what it holds, whoever put it there.
 */
export class LiveTable {
  readonly #door: Door
  readonly #file: Pick<Kept, 'keep' | 'stop'>
  /** what nginx has, null if that is not known */
  #table: Table | null = null
  /** what it should have */
  #wanted = ''

  constructor(door: Door, file: Pick<Kept, 'keep' | 'stop'>) {
    this.#door = door
    this.#file = file
  }

  /** Whether nginx has another table than it was given: it was started, with an older file or without one. */
  async strayed(): Promise<boolean> {
    const wanted = this.#wanted
    if (wanted === '') return false
    const revision = await this.#door.revision()
    if (revision === null || revision === wanted || wanted !== this.#wanted) return false
    this.#table = null
    return true
  }

  /** Rejects with nginx's words where it does not take the table. */
  async push(plan: GatewayPlan): Promise<Pushed> {
    const table = tableOf(plan)
    const revision = revisionOf(table)
    if (this.#table && revision === this.#wanted) return 'unchanged'
    this.#wanted = revision
    this.#file.keep(textOf(table, null))
    const before = this.#table ? revisionOf(this.#table) : await this.#door.revision()
    if (before === null) return this.#leave()
    if (before === revision) {
      this.#table = table
      return 'unchanged'
    }
    const known = this.#table
    this.#table = null
    let after = await this.#door.put(textOf(table, known))
    // It was another one than it was thought to be: all of it, then.
    if (known && after !== null && after !== revision)
      after = await this.#door.put(textOf(table, null))
    if (after === null) return this.#leave()
    if (after !== revision) throw new Error(`the table of routes is ${after}, not ${revision}`)
    this.#table = table
    return 'pushed'
  }

  async stop(): Promise<void> {
    await this.#file.stop()
  }

  async #leave(): Promise<'absent'> {
    this.#table = null
    await this.#file.stop()
    return 'absent'
  }
}
