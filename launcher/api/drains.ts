import type { Readable } from 'node:stream'
import type { z } from 'zod'
import type { Drainer } from '../roll/drain.ts'
import type { Log } from './options.ts'
import type { Router } from './router.ts'
import { answers, Drained, HostParams, NoQuery, Progressive, stream, Undrained } from './schema.ts'
import { inSight, isWatched } from './sight.ts'

/** What a drain answers with, typed for both ways. */
const Done: z.ZodType<z.output<typeof Drained> | Readable> = Drained

/** Empties hosts, and lets them have instances again. */
export function drainRoutes(router: Router, options: { drainer: Drainer; log: Log }): void {
  const { drainer, log } = options
  router.put(
    '/v1/hosts/:host/drain',
    {
      schema: {
        tags: ['hosts'],
        summary: 'Place nothing on a host any more, and move what is there elsewhere',
        description:
          'Works again: it goes on where an earlier call stopped. With progress=1 or Accept: text/event-stream the answer is a stream of `progress` events, then one `drained` or `failed`. It goes on when the caller leaves.',
        operationId: 'drainHost',
        params: HostParams,
        querystring: Progressive,
        response: answers({
          200: {
            description: 'It is empty, but for what is left',
            content: {
              'application/json': { schema: Done },
              ...stream('text/event-stream', '').content,
            },
          },
        }),
      },
    },
    async (request, reply) => {
      const { host } = request.params
      if (!isWatched(request)) return await drainer.drain(host, () => {})
      return inSight(reply, log, async (events) => {
        const drained = await drainer.drain(host, (step) => events.send('progress', step))
        events.send('drained', drained)
      })
    },
  )

  router.delete(
    '/v1/hosts/:host/drain',
    {
      schema: {
        tags: ['hosts'],
        summary: 'Place instances on a host again',
        operationId: 'undrainHost',
        params: HostParams,
        querystring: NoQuery,
        response: answers({ 200: Undrained }),
      },
    },
    async (request) => {
      const { host } = request.params
      await drainer.undrain(host)
      return { host }
    },
  )
}
