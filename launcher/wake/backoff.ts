import { canonical } from '../../model/name.ts'
import { Recent } from '../../model/recent.ts'

/** Why an app is not started right now. */
export interface Pause {
  reason: string
  /** seconds until the next start is allowed, at least 1 */
  seconds: number
}

interface Record {
  failures: number
  reason: string
  /** no start before this time */
  until: number
  /** when it last got ready, until that turned out to be a good run */
  readyAt: number | null
}

const FIRST = 1_000
const LONGEST = 60_000
/** an app that was ready this long had a good run */
const GOOD = 10_000

/** What the back-off knows a slot by: one that fails holds up no other. The first is the one visitors wait for. */
export function slotKey(app: string, slot: number): string {
  return slot === 0 ? canonical(app) : `${canonical(app)}/${slot}`
}

/**
 * Crash back-off: after each failed start of an app the next one waits 1 s, 2 s, 4 s ... 60 s, so a crash loop costs
 * at most 8 starts in 2 minutes. A good run forgets it. Pure: every time is given, in milliseconds.
 */
export class Backoff {
  readonly #apps: Recent<string, Record>

  /** @param limit how many apps are remembered; the longest untouched is forgotten first */
  constructor(limit = 10_000) {
    this.#apps = new Recent(limit)
  }

  /** Why `app` must not be started at `now`, or null. */
  check(app: string, now: number): Pause | null {
    const record = this.#apps.get(app)
    if (!record || record.until <= now) return null
    return { reason: record.reason, seconds: Math.ceil((record.until - now) / 1000) }
  }

  /** The app could not be started, or ended at once. Returns how many seconds the next start waits. */
  failed(app: string, reason: string, now: number): number {
    this.#forgive(app, now)
    const failures = (this.#apps.get(app)?.failures ?? 0) + 1
    const delay = Math.min(FIRST * 2 ** (failures - 1), LONGEST)
    this.#apps.set(app, { failures, reason, until: now + delay, readyAt: null })
    return Math.ceil(delay / 1000)
  }

  /** The app got ready; whether that is a good run will show. */
  ready(app: string, now: number): void {
    this.#forgive(app, now)
    const failures = this.#apps.get(app)?.failures ?? 0
    this.#apps.set(app, { failures, reason: '', until: 0, readyAt: now })
  }

  /**
   * The app is gone since `now`. One that was to sleep, or wanted to, had a good run, and so had one that was ready long
   * enough; any other that this process saw getting ready failed.
   */
  gone(app: string, isGood: boolean, now: number): void {
    const readyAt = this.#apps.get(app)?.readyAt ?? null
    // Told late of one that is ready again.
    if (readyAt === null || readyAt > now) return
    if (isGood || now - readyAt >= GOOD) this.#apps.delete(app)
    else {
      const after = Math.max(1, Math.round((now - readyAt) / 1000))
      this.failed(app, `ended ${after} s after it was ready`, now)
    }
  }

  /** An operator wants it started now. */
  forget(app: string): void {
    this.#apps.delete(app)
  }

  #forgive(app: string, now: number): void {
    const readyAt = this.#apps.get(app)?.readyAt ?? null
    if (readyAt !== null && now - readyAt >= GOOD) this.#apps.delete(app)
  }
}
