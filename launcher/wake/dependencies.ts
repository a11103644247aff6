import type { App } from '../../model/app.ts'
import { whyEndless } from '../../model/dependency.ts'
import type { Endpoint } from '../../model/endpoint.ts'
import { canonical } from '../../model/name.ts'
import { ProblemError } from '../../model/problem.ts'
import type { Progress } from '../../model/progress.ts'
import type { Catalog } from '../catalog.ts'
import { deadline, leave } from '../deadline.ts'
import type { Board } from './board.ts'
import { explain } from './failure.ts'

export interface DependenciesOptions {
  catalog: Catalog
  board: Board
  /** brings an app up for another one, whoever may visit it */
  wake(app: App): Promise<Endpoint>
}

/** One start of an app that may need others first. */
interface Waiting {
  app: App
  report(step: Omit<Progress, 'app'>): void
  signal: AbortSignal
}

/**
 * The longest that one app is waited for, milliseconds: more than a pull and a start may take. Only two launchers that
 * know a cycle of different ages could get there.
 */
const LONGEST = 40 * 60_000

/** Wakes what an app needs before it: one after the other, in the order it names them. */
export class Dependencies {
  readonly #options: DependenciesOptions
  /** by app, in lower case: which one it waits for in this process */
  readonly #waiting = new Map<string, string>()

  constructor(options: DependenciesOptions) {
    this.#options = options
  }

  /**
   * Resolves once all that the app needs answers; whether any of it did not run yet. Throws ProblemError `unavailable`
   * with the name of the one that failed: that is no fault of the app.
   */
  async ready(waiting: Waiting): Promise<boolean> {
    const { app } = waiting
    if (app.dependsOn.length === 0) return false
    const reason = whyEndless(app, (name) => this.#options.catalog.find(name))
    if (reason !== null) throw failed(app, reason)
    let hasWaited = false
    for (const name of app.dependsOn) if (await this.#ready(name, waiting)) hasWaited = true
    return hasWaited
  }

  async #ready(name: string, { app, report, signal }: Waiting): Promise<boolean> {
    const { catalog, board, wake } = this.#options
    const other = catalog.find(name)
    if (!other) throw failed(app, `it needs ${name}, and there is no app of that name`)
    const [from, to] = [canonical(app.name), canonical(other.name)]
    // The records may have changed since the wakes that are under way began.
    for (let next = to; ; ) {
      const after = this.#waiting.get(next)
      if (after === undefined) break
      if (after === from) throw failed(app, `it needs ${other.name}, which waits for it`)
      next = after
    }
    const ran = catalog.state.slots(other.name).size > 0
    const tell = (more: string): void =>
      report({ phase: 'queued', detail: `waiting for ${other.name}${more}` })
    if (!ran) tell('')
    const unfollow = board.follow(({ phase, percent, detail }) => {
      if (phase !== 'ready' && phase !== 'failed')
        tell(`: ${detail ?? phase}${percent === undefined ? '' : ` ${Math.round(percent)} %`}`)
    }, other.name)
    this.#waiting.set(from, to)
    try {
      await deadline(LONGEST, () => leave(wake(other), signal))
    } catch (error) {
      signal.throwIfAborted()
      const { problem } = explain(other.name, error)
      const why = `it needs ${other.name}: ${problem.detail ?? problem.title}`
      throw failed(app, why, problem.retryAfter)
    } finally {
      this.#waiting.delete(from)
      unfollow()
    }
    return !ran
  }
}

/**
 * Throws `conflict` for an app that could never be woken for what it depends on: that is not stored. What is not there
 * yet may be added later.
 */
export function refuseEndless(app: App, catalog: Catalog): void {
  const detail = whyEndless(app, (name) => catalog.find(name))
  if (detail !== null) throw new ProblemError('conflict', { app: app.name, detail })
}

function failed(app: App, detail: string, retryAfter = 5): ProblemError {
  return new ProblemError('unavailable', { app: app.name, detail, retryAfter })
}
