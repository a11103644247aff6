import type { Readable } from 'node:stream'
import type Docker from 'dockerode'
import { type EngineCall, EngineError, explain, statusOf } from './docker-error.ts'
import { limit as limitOf } from './limit.ts'

/** Deadlines in milliseconds. Creating and starting are long under load; everything else is a look-up. */
export const QUICK = 5_000
export const SLOW = 60_000

interface CallOptions {
  call?: EngineCall
  /** milliseconds, or null for none but `signal`; {@link QUICK} unless given */
  limit?: number | null
  /** statuses that dockerode throws although what was asked for is so */
  fine?: readonly number[]
  signal?: AbortSignal
}

/**
 * Makes one call with a deadline. `run` hands the signal it gets to dockerode.
 * @throws EngineError in the engine's words
 */
export async function makeCall<T>(
  run: (signal: AbortSignal) => Promise<T>,
  options: CallOptions = {},
): Promise<T> {
  const { call = 'other', limit = QUICK, fine = [], signal } = options
  const ending = limitOf(signal, limit)
  try {
    return await run(ending.signal)
  } catch (error) {
    if (fine.includes(statusOf(error) ?? 0)) return undefined as T
    throw explain(call, error, {
      aborted: signal?.aborted ?? false,
      late: ending.isLate() ? limit : null,
    })
  } finally {
    ending.end()
  }
}

/**
 * Opens a stream and reads it with `read`: `limit` is for its beginning, `signal` for all of it. The stream is
 * destroyed when the reader stops, so that the engine stops too.
 * @throws EngineError `aborted` by the signal, `unreachable` when it breaks
 */
export async function* readStream<T>(
  run: (signal: AbortSignal) => Promise<NodeJS.ReadableStream>,
  read: (source: AsyncIterable<Buffer>) => AsyncIterable<T>,
  options: CallOptions & { signal: AbortSignal },
): AsyncGenerator<T> {
  const { call = 'other', signal } = options
  const stream = (await makeCall(run, options)) as Readable
  const stop = (): void => void stream.destroy(new Error('aborted'))
  signal.addEventListener('abort', stop, { once: true })
  try {
    if (signal.aborted) stop()
    yield* read(stream as AsyncIterable<Buffer>)
  } catch (error) {
    throw explain(call, error, { aborted: signal.aborted, late: null })
  } finally {
    signal.removeEventListener('abort', stop)
    stream.destroy()
  }
}

/**
 * Gets `path` from the engine, decoded or as a stream. For what dockerode has no fitting method for: its own image
 * and network inspections ignore the signal, and its logs read what is not followed as JSON if it looks like it.
 */
export function getPath<T>(
  docker: Docker,
  path: string,
  abortSignal: AbortSignal,
  { isStream = false, query = {} }: { isStream?: boolean; query?: object } = {},
): Promise<T> {
  const statusCodes = { 200: true, 404: 'not found', 500: 'server error' }
  return new Promise((resolve, reject) => {
    docker.modem.dial(
      { path: `${path}?`, options: query, method: 'GET', isStream, statusCodes, abortSignal },
      (error: Error | null, result: unknown) => (error ? reject(error) : resolve(result as T)),
    )
  })
}

/** {@link makeCall} for a look-up: null if there is no such thing. */
export async function orNull<T>(run: (signal: AbortSignal) => Promise<T>): Promise<T | null> {
  try {
    return await makeCall(run)
  } catch (error) {
    if (error instanceof EngineError && error.code === 'not-found') return null
    throw error
  }
}
