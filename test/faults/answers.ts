import type { Shot } from './load.ts'

/** A time in which an app ran and was healthy, whatever else went on; performance.now(). `to` null: still. */
export interface Healthy {
  app: string
  from: number
  to: number | null
}

/** What a client must be told within the hold time: the app's answer, or when to come again. */
const DEFINITE = new Set([200, 503, 504])
/** Seconds beyond the hold time that an answer may take. */
const GRACE = 2

/** I1: no answer carries the name of an app that was not asked for. */
export function strangers(shots: readonly Shot[]): string[] {
  return shots
    .filter(({ app, seen }) => seen !== null && seen.app !== app)
    .map(({ id, app, seen }) => `I1: request ${id} to ${app} was answered by ${seen?.app}`)
}

/** I3: what was sent to an app while it ran and was healthy is answered by it. */
export function failures(shots: readonly Shot[], healthy: readonly Healthy[]): string[] {
  return shots
    .filter(
      (shot) =>
        (shot.status !== 200 || shot.seen === null) &&
        healthy.some(
          ({ app, from, to }) =>
            app === shot.app && shot.began >= from && (to === null || shot.began <= to),
        ),
    )
    .map(
      ({ id, app, origin, status, error, began, ended }) =>
        `I3: request ${id} to ${app} at ${origin}, which ran, got ${error ?? (status === 200 ? 'a 200 that is not its own' : status)} after ${Math.round((ended ?? began) - began)} ms`,
    )
}

/**
 * I6: every request ended, in time, with an answer that says what is.
 * @param holdTimeout seconds
 * @param allowed statuses that the fault's own words allow beside 200, 503 and 504
 */
export function indefinite(
  shots: readonly Shot[],
  holdTimeout: number,
  allowed: readonly number[] = [],
): string[] {
  const limit = (holdTimeout + GRACE) * 1000
  return shots.flatMap(({ id, app, origin, began, ended, status, retryAfter, error }) => {
    const name = `I6: request ${id} to ${app} at ${origin}`
    if (ended === null) return `${name} never ended`
    const took = ended - began
    if (took > limit) return `${name} took ${Math.round(took)} ms`
    if (status === null) return `${name} got no answer: ${error}`
    if (!DEFINITE.has(status) && !allowed.includes(status)) return `${name} got ${status}`
    if (status === 503 && !/^[1-9][0-9]*$/.test(retryAfter ?? ''))
      return `${name} got 503 without Retry-After`
    return []
  })
}
