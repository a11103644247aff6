import type { Readable } from 'node:stream'
import type { FastifyReply } from 'fastify'
import { ProblemError, problem } from '../../model/problem.ts'
import { EventStream } from './event-stream.ts'
import type { Log } from './options.ts'

/** Whether the caller wants to see every step, as a stream of events. */
export function isWatched(request: {
  headers: { accept?: string | undefined }
  query: { progress?: '0' | '1' | undefined }
}): boolean {
  const accepts = request.headers.accept?.includes('text/event-stream') ?? false
  return accepts || request.query.progress === '1'
}

/**
 * Work as a stream: what it sends, then `failed` with the problem if it throws. Its signal aborts when the caller has
 * left; work that is to go on need not care.
 */
export function inSight(
  reply: FastifyReply,
  log: Log,
  work: (events: EventStream, signal: AbortSignal) => Promise<void>,
): Readable {
  const controller = new AbortController()
  const events = new EventStream(() => controller.abort(new Error('the caller has left')))
  const run = async (): Promise<void> => {
    try {
      await work(events, controller.signal)
    } catch (error) {
      const known = error instanceof ProblemError
      if (!known && !controller.signal.aborted) log.error({ err: error }, 'something failed here')
      events.send('failed', known ? error.problem : problem('internal'))
    }
    events.end()
  }
  void run()
  return events.open(reply)
}
