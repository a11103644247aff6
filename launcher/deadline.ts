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
