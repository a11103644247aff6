/** What `work` gives. Rejects after `ms` milliseconds, and aborts the signal that `work` was given. */
export async function deadline<T>(
  ms: number,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const late = new AbortController()
  const tooLate = new Promise<never>((_resolve, reject) => {
    late.signal.addEventListener('abort', () => reject(late.signal.reason))
  })
  const timer = setTimeout(() => late.abort(new Error(`no answer in ${ms} ms`)), ms)
  try {
    return await Promise.race([work(late.signal), tooLate])
  } finally {
    clearTimeout(timer)
  }
}

/** Waits for `work` until the signal says that nobody does any more; the work itself goes on. */
export function leave<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (!signal) return work
  return new Promise((resolve, reject) => {
    const left = (): void => reject(signal.reason)
    const done = (): void => signal.removeEventListener('abort', left)
    signal.addEventListener('abort', left)
    if (signal.aborted) left()
    work.then(resolve, reject).finally(done)
  })
}
