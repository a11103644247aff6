import type { App } from '../../model/app.ts'
import { ProblemError } from '../../model/problem.ts'
import type { Host } from '../../model/record.ts'
import { codeOf, type Engine } from '../engine.ts'
import { hasImage, type Sight } from '../place/place.ts'
import type { Begun } from './attempt.ts'
import { describe, explain } from './failure.ts'
import { ImageMissing, isHostsFault, Taken } from './fault.ts'

/** How an engine answers about a container that vanished or appeared between our look and our call. */
const MOVED: ReadonlySet<string> = new Set(['not-found', 'name-taken', 'conflict'])
/** So many hosts are tried: where five have failed, the sixth is unlikely to be what is missing. */
const HOSTS = 5
/** So often it may turn out that others were faster: room was taken, a container moved. */
const SURPRISES = 10

/** One wake's way over the hosts: where it was, what failed there, and what that means. */
export class Trip {
  /** as they were seen last */
  sights: readonly Sight[] = []
  /** what was begun, by host name */
  readonly begun = new Map<string, Begun & { host: Host }>()
  /** what must be over before somebody else may have the slot */
  cleanup: Promise<void> = Promise.resolve()
  readonly #app: App
  /** by host name: why it is not tried again in this wake */
  readonly #reasons = new Map<string, string>()
  readonly #moved = new Set<string>()
  #needsImage = false
  #surprises = 0
  #last: unknown = null

  constructor(app: App) {
    this.#app = app
  }

  /** Why a host is not tried, or null. */
  readonly barred = ({ host }: Pick<Sight, 'host'>): string | null => {
    const reason = this.#reasons.get(host.name)
    if (reason !== undefined) return reason
    return this.#needsImage && !hasImage(host, this.#app.image) ? 'has not its image either' : null
  }

  went(host: Host, begun: Begun): void {
    const before = this.begun.get(host.name)
    const over = before ? Promise.allSettled([before.over, begun.over]) : begun.over
    this.begun.set(host.name, { ...begun, over, host })
  }

  stop(engine: Engine, id: string): void {
    this.cleanup = engine.stop(id, this.#app.stopTimeout).catch(() => {})
  }

  /** Takes what happened on a host. Throws it where no other host would do better, or enough have been tried. */
  failed(host: Host, error: unknown): void {
    if (this.#isSurprise(host, error) && ++this.#surprises <= SURPRISES) return
    if (error instanceof ImageMissing) {
      this.#needsImage = true
      this.#reasons.set(host.name, 'has not its image')
    } else if (isHostsFault(error)) this.#reasons.set(host.name, `failed: ${firstLine(error)}`)
    else throw error instanceof Taken ? this.failure(error.message) : error
    this.#last = error
    if (this.#reasons.size >= HOSTS) throw this.failure(this.#told())
  }

  /** What a wake fails with that finds no host; `reason` says why, host by host. */
  failure(reason: string): unknown {
    const app = this.#app.name
    if (this.#last === null)
      return new ProblemError('unavailable', { app, detail: reason, retryAfter: 5 })
    // Where there is no choice the engine's own words say it best, and what no registry has is the app's fault.
    if (this.sights.length <= 1 || this.#last instanceof ImageMissing) return this.#last
    const { code, problem } = explain(app, this.#last)
    const { retryAfter } = problem
    return new ProblemError(code, {
      ...{ app, detail: reason },
      ...(retryAfter !== undefined && { retryAfter }),
    })
  }

  #isSurprise(host: Host, error: unknown): boolean {
    if (error instanceof Taken) return true
    if (!MOVED.has(codeOf(error)) || this.#moved.has(host.name)) return false
    this.#moved.add(host.name)
    return true
  }

  #told(): string {
    return [...this.#reasons].map(([name, reason]) => `${name} ${reason}`).join('; ')
  }
}

function firstLine(error: unknown): string {
  if (!(error instanceof ProblemError)) return describe(error)
  return (error.problem.detail ?? error.problem.title).split('\n')[0] ?? ''
}
