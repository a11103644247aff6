import type { Readable } from 'node:stream'
import type { FastifyReply } from 'fastify'
import { z } from 'zod'
import { type Endpoint, formatEndpoint } from '../../model/endpoint.ts'
import { ProblemError } from '../../model/problem.ts'
import type { Catalog } from '../catalog.ts'
import type { Sleeper } from '../sleep/sleep.ts'
import type { Control } from './control.ts'
import type { Log } from './options.ts'
import type { Router } from './router.ts'
import { answers, NameParams, NoQuery, Progressive, Slept, stream, Woken } from './schema.ts'
import { inSight, isWatched } from './sight.ts'
import { stateOf } from './status.ts'

export interface ActionRoutes {
  catalog: Catalog
  control: Control
  sleeper: Sleeper
  /** told how each sleep and restart went: `done`, or the code of the problem */
  onSleep(result: string): void
  log: Log
}

const tags = ['apps']

/** What a wake answers with, typed for both ways. */
const Awoken: z.ZodType<z.output<typeof Woken> | Readable> = Woken

/** Wake, sleep and restart apps. Blueprints' apps too: nothing needs to be stored under the name. */
export function actionRoutes(router: Router, options: ActionRoutes): void {
  const { catalog, control, sleeper } = options

  /** The app's own spelling. Throws if there is neither App nor running instance of that name. */
  const known = (name: string): string => {
    const app = catalog.find(name)?.name
    if (app !== undefined) return app
    const [entry] = [...catalog.state.slots(name).values()]
    const key = entry && catalog.keys.parse(entry.entry.key)
    if (key?.kind !== 'endpoint') throw new ProblemError('unknown-app')
    return key.app
  }
  const count = async <T>(done: Promise<T>): Promise<T> => {
    try {
      const result = await done
      options.onSleep('done')
      return result
    } catch (error) {
      options.onSleep(error instanceof ProblemError ? error.code : 'internal')
      throw error
    }
  }

  router.post(
    '/v1/apps/:name/wake',
    {
      schema: {
        tags,
        summary: 'Wake an app and wait until it is ready',
        description:
          'With progress=1 or Accept: text/event-stream the answer is a stream of `progress` events, then one `ready` or `failed`.',
        operationId: 'wakeApp',
        params: NameParams,
        querystring: Progressive,
        response: answers({
          200: {
            description: 'It is ready',
            content: {
              'application/json': { schema: Awoken },
              ...stream('text/event-stream', '').content,
            },
          },
        }),
      },
    },
    async (request, reply) => {
      const app = known(request.params.name)
      if (isWatched(request)) return wakeInSight(app, options, reply)
      const endpoint = await control.wake(app, undefined, gone(reply))
      return woken(app, endpoint)
    },
  )

  router.post(
    '/v1/apps/:name/sleep',
    {
      schema: {
        tags,
        summary: 'Put an app to sleep once its open requests are done; a request meanwhile wins',
        operationId: 'sleepApp',
        params: NameParams,
        querystring: NoQuery,
        response: answers({ 200: Slept }),
      },
    },
    async (request) => {
      const app = known(request.params.name)
      const asked = await count(sleeper.sleep(app))
      return { app, asked, state: stateOf(app, catalog, control).state }
    },
  )

  router.post(
    '/v1/apps/:name/restart',
    {
      schema: {
        tags,
        summary: 'Stop every instance of an app, then wake it',
        operationId: 'restartApp',
        params: NameParams,
        querystring: NoQuery,
        response: answers({ 200: Woken }),
      },
    },
    async (request) => {
      const app = known(request.params.name)
      return woken(app, await count(sleeper.restart(app)))
    },
  )
}

function woken(app: string, { host, port }: Endpoint): z.output<typeof Woken> {
  return { app, endpoint: formatEndpoint({ host, port }) }
}

/** Fires when the caller has left before the answer. */
function gone(reply: FastifyReply): AbortSignal {
  const controller = new AbortController()
  reply.raw.once('close', () => controller.abort(new Error('the caller has left')))
  return controller.signal
}

/** A wake as a stream: every step, then how it ended. */
function wakeInSight(app: string, { control, log }: ActionRoutes, reply: FastifyReply): Readable {
  return inSight(reply, log, async (events, signal) => {
    const step = control.wake(app, (progress) => events.send('progress', progress), signal)
    events.send('ready', woken(app, await step))
  })
}
