import type { Keys } from '../model/key.ts'
import type { Rejection } from '../model/state.ts'
import type { LiveTable } from './live.ts'
import { Naming } from './naming.ts'
import type { View } from './view.ts'

const REFUSED = 'its line in the table of routes breaks the rules of the door: launchers lead to it'

export interface RejectionsOptions {
  keys: Keys
  log: { warn(fields: object, message: string): void }
  live?: Pick<LiveTable, 'refused'> | null
}

/** What of etcd has no effect at this gateway, whoever found that: the reading of it, the plan, or the proxy. */
export class Rejections {
  readonly #options: RejectionsOptions
  readonly #view: Pick<View, 'rejected'>
  readonly #naming = new Naming()

  constructor(options: RejectionsOptions, view: Pick<View, 'rejected'>) {
    this.#options = options
    this.#view = view
  }

  /** All there are now. What the reading had not told yet is told to the log. */
  all(): Rejection[] {
    const { entries, lost } = this.#view.rejected()
    const late = [...lost, ...this.#refused()]
    for (const rejection of late) this.tell(rejection)
    return [...entries, ...late]
  }

  /** Has a line in the log, unless it had one not long ago. */
  tell(rejection: Rejection): void {
    if (this.#naming.isNews(rejection, performance.now()))
      this.#options.log.warn(rejection, 'entry rejected')
  }

  #refused(): Rejection[] {
    const { keys, live } = this.#options
    return Array.from(live?.refused ?? [], (app) => ({
      key: keys.endpoint(app, 0),
      reason: REFUSED,
    }))
  }
}
