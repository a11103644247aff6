import type { FastifyReply } from 'fastify'
import { z } from 'zod'
import { App } from '../../model/app.ts'
import { ProblemError } from '../../model/problem.ts'
import type { Collection } from '../collection.ts'
import type { Fleet } from '../fleet.ts'
import type { Sleeper } from '../sleep/sleep.ts'
import { refuseEndless } from '../wake/dependencies.ts'
import { ETag, expected, nameFromPath } from './etag.ts'
import type { Router } from './router.ts'
import { AppView, answers, NameParams, NoQuery, Removed } from './schema.ts'
import { lastUses, type ShownOptions, showAll, showOne } from './shown.ts'
import { exitsOf, type Shown, withExit } from './status.ts'

export interface AppRoutes extends ShownOptions {
  apps: Collection<App>
  fleet: Fleet
  sleeper: Sleeper
}

const tags = ['apps']
const Removing = z.strictObject({
  force: z.enum(['0', '1']).optional().describe('1: although other apps depend on it'),
  volumes: z.enum(['0', '1']).optional().describe('1: its volumes too, with all that is in them'),
})

/** Create, read, replace, remove and list Apps. */
export function appRoutes(router: Router, options: AppRoutes): void {
  const { apps, fleet, sleeper } = options

  router.get(
    '/v1/apps',
    {
      schema: {
        tags,
        summary: 'List the stored apps, and those of blueprints that run or ran, with their status',
        operationId: 'listApps',
        querystring: NoQuery,
        response: answers({ 200: z.object({ apps: z.array(AppView) }) }),
      },
    },
    async () => {
      const [uses, instances] = await Promise.all([lastUses(options), fleet.instances('glance')])
      return { apps: showAll(instances, uses, options) }
    },
  )

  router.post(
    '/v1/apps',
    {
      schema: {
        tags,
        summary: 'Create an app; its name must be free, ignoring case',
        operationId: 'createApp',
        querystring: NoQuery,
        body: App,
        response: answers({ 201: AppView }),
      },
    },
    async (request, reply) => {
      refuseEndless(request.body, options.catalog)
      const revision = await apps.create(request.body)
      return await stored(reply.code(201), request.body, revision, options)
    },
  )

  router.get(
    '/v1/apps/:name',
    {
      schema: {
        tags,
        summary: 'Show an app, stored or made by a blueprint; the name is taken ignoring case',
        operationId: 'getApp',
        params: NameParams,
        querystring: NoQuery,
        response: answers({ 200: AppView }),
      },
    },
    async (request, reply) => {
      const { name } = request.params
      const [shown, instances] = await Promise.all([
        answer(reply, name, options),
        fleet.instances('glance', name),
      ])
      return withExit(shown, exitsOf(instances))
    },
  )

  router.put(
    '/v1/apps/:name',
    {
      preValidation: nameFromPath((name) => apps.get(name)?.value.name),
      schema: {
        tags,
        summary: 'Replace an app, or create it; the name may be left out of the body',
        description:
          'Instances that run keep what they were started with until they sleep or are restarted.',
        operationId: 'putApp',
        params: NameParams,
        querystring: NoQuery,
        headers: ETag,
        body: App,
        response: answers({ 200: AppView, 201: AppView }),
      },
    },
    async (request, reply) => {
      refuseEndless(request.body, options.catalog)
      const { revision, isNew } = await apps.put(request.body, expected(request.headers))
      return await stored(reply.code(isNew ? 201 : 200), request.body, revision, options)
    },
  )

  router.delete(
    '/v1/apps/:name',
    {
      schema: {
        tags,
        summary: 'Remove an app: the record, then its instances, then their containers',
        description:
          'Its volumes stay for an app of that name or group that is added later, unless volumes=1.',
        operationId: 'deleteApp',
        params: NameParams,
        querystring: Removing,
        headers: ETag,
        response: answers({ 200: Removed }),
      },
    },
    async (request) => {
      const { name } = request.params
      const stored = apps.get(name)?.value.name ?? name
      const removal = await sleeper.remove(stored, {
        expected: expected(request.headers),
        volumes: request.query.volumes === '1',
        force: request.query.force === '1',
      })
      if (!removal) throw neverThere(stored, options)
      return { name: stored, ...removal }
    },
  )
}

/** Why there is nothing to remove. */
function neverThere(name: string, { catalog }: AppRoutes): ProblemError {
  const made = catalog.derive(name)
  if (!made) return new ProblemError('unknown-app')
  const detail = `it is not stored: blueprint ${made.blueprint} makes it, and nothing of it is there to remove`
  return new ProblemError('unknown-app', { app: name, detail })
}

/** Answers with the App stored under a name, else with the one a blueprint makes of it. */
async function answer(reply: FastifyReply, name: string, options: AppRoutes): Promise<Shown> {
  const held = options.apps.get(name)
  if (held) return await stored(reply, held.value, held.entry.modRevision, options)
  const app = options.catalog.derive(name)?.app
  if (!app) throw new ProblemError('unknown-app')
  return await showOne(app, options)
}

/** Answers with a stored App at its revision: what was just written may not have come back to this process yet. */
async function stored(
  reply: FastifyReply,
  app: App,
  revision: string,
  options: AppRoutes,
): Promise<Shown> {
  reply.header('etag', `"${revision}"`)
  const { status, ...shown } = await showOne(app, options)
  const { blueprint: _, ...rest } = status
  return { ...shown, status: { ...rest, revision } }
}
