import type { Readable } from 'node:stream'
import type { z } from 'zod'
import type { App } from '../../model/app.ts'
import { AppPatch, patch } from '../../model/patch.ts'
import { ProblemError } from '../../model/problem.ts'
import type { Held } from '../../model/state.ts'
import type { Catalog } from '../catalog.ts'
import type { Collection } from '../collection.ts'
import type { Replacer } from '../roll/replace.ts'
import { ETag, expected } from './etag.ts'
import type { Log } from './options.ts'
import { complaints } from './problems.ts'
import type { Router } from './router.ts'
import { answers, NameParams, Progressive, Replaced, stream } from './schema.ts'
import { inSight, isWatched } from './sight.ts'

export interface ReplaceRoute {
  catalog: Catalog
  apps: Collection<App>
  replacer: Replacer
  log: Log
}

/** What a replace answers with, typed for both ways. */
const Done: z.ZodType<z.output<typeof Replaced> | Readable> = Replaced

/** An App with some of its fields changed. Throws ProblemError `invalid-input`. */
function changed(app: App, fields: AppPatch): App {
  const parsed = patch(app, fields)
  if (parsed.success) return parsed.data
  throw new ProblemError('invalid-input', { errors: complaints(parsed.error) })
}

/** Replaces an App while it is used. */
export function replaceRoute(router: Router, options: ReplaceRoute): void {
  const { replacer, log } = options
  router.post(
    '/v1/apps/:name/replace',
    {
      schema: {
        tags: ['apps'],
        summary: 'Change an app and exchange its instances without a failed request, or go back',
        description:
          'The body has the fields that change. An instance of the new app is proven beside the others first: where it does not get ready, nothing is changed. With progress=1 or Accept: text/event-stream the answer is a stream of `progress` events, then one `replaced` or `failed`. It goes on when the caller leaves.',
        operationId: 'replaceApp',
        params: NameParams,
        querystring: Progressive,
        headers: ETag,
        body: AppPatch,
        response: answers({
          200: {
            description: 'All of its instances are those of the new app',
            content: {
              'application/json': { schema: Done },
              ...stream('text/event-stream', '').content,
            },
          },
        }),
      },
    },
    async (request, reply) => {
      const held = stored(request.params.name, expected(request.headers), options)
      const next = changed(held.value, request.body)
      const app = next.name
      if (!isWatched(request)) return { app, ...(await replacer.replace(held, next, () => {})) }
      return inSight(reply, log, async (events) => {
        const done = await replacer.replace(held, next, (step) => events.send('progress', step))
        events.send('replaced', { app, ...done })
      })
    },
  )
}

/** The App that is stored under a name. Throws ProblemError `unknown-app`, `conflict`, `changed`. */
function stored(
  name: string,
  revision: string | undefined,
  { apps, catalog }: ReplaceRoute,
): Held<App> {
  const held = apps.get(name)
  const made = held ? null : catalog.derive(name)
  if (made)
    throw new ProblemError('conflict', {
      detail: `it is not stored: blueprint ${made.blueprint} makes it`,
    })
  if (!held) throw new ProblemError('unknown-app')
  if (revision !== undefined && revision !== held.entry.modRevision)
    throw new ProblemError('changed', { detail: `it is at revision ${held.entry.modRevision} now` })
  return held
}
