/** The end of one call: when its time is over, or when nobody wants it any more. */
export interface Limit {
  signal: AbortSignal
  /** whether its time was over */
  isLate(): boolean
  /** Lets go of the timer and of the signal that was given. */
  end(): void
}

/**
 * A signal for one call, which aborts with `outer` or after `milliseconds` (null: never). Not by AbortSignal.any: what
 * that joins to a signal that lives on stays there for ever, some 70 bytes for each call, and calls are made all day.
 */
export function limit(outer: AbortSignal | undefined, milliseconds: number | null): Limit {
  const ending = new AbortController()
  let isLate = false
  const stop = (): void => ending.abort()
  const tooLate = (): void => {
    isLate = true
    stop()
  }
  const timer = milliseconds === null ? undefined : setTimeout(tooLate, milliseconds)
  outer?.addEventListener('abort', stop)
  if (outer?.aborted) stop()
  return {
    signal: ending.signal,
    isLate: () => isLate,
    end: () => {
      clearTimeout(timer)
      outer?.removeEventListener('abort', stop)
    },
  }
}
