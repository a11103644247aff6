import type { FastifyReply } from 'fastify'
import { z } from 'zod'
import { App } from '../../model/app.ts'
import { ProblemError } from '../../model/problem.ts'
import type { Held } from '../../model/state.ts'
import type { Collection, Store } from '../collection.ts'
import type { Sleeper } from '../sleep.ts'
import { ETag, expected, nameFromPath } from './etag.ts'
import type { ApiOptions } from './options.ts'
import type { Router } from './router.ts'
import { AppView, answers, NameParams, NoQuery, Removed } from './schema.ts'
import { readUse, type Shown, stateOf } from './status.ts'

export interface AppRoutes extends Pick<ApiOptions, 'catalog' | 'control'> {
  apps: Collection<App>
  sleeper: Sleeper
  store: Store
}

const tags = ['apps']

/** Create, read, replace, remove and list Apps. */
export function appRoutes(router: Router, options: AppRoutes): void {
  const { apps, sleeper } = options

  router.get(
    '/v1/apps',
    {
      schema: {
        tags,
        summary: 'List the stored apps with their status',
        operationId: 'listApps',
        querystring: NoQuery,
        response: answers({ 200: z.object({ apps: z.array(AppView) }) }),
      },
    },
    async () => {
      const uses = await lastUses(options)
      return {
        apps: apps.list().map((held) => show(held, uses.get(held.value.name), options)),
      }
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
      await apps.create(request.body)
      return answer(reply.code(201), request.body.name, options)
    },
  )

  router.get(
    '/v1/apps/:name',
    {
      schema: {
        tags,
        summary: 'Show an app; the name is taken ignoring case',
        operationId: 'getApp',
        params: NameParams,
        querystring: NoQuery,
        response: answers({ 200: AppView }),
      },
    },
    async (request, reply) => answer(reply, request.params.name, options),
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
      const { name } = request.body
      const revision = await apps.replace(request.body, expected(request.headers))
      if (revision === null) {
        if (request.headers['if-match'] !== undefined) throw new ProblemError('changed')
        await apps.create(request.body)
        reply.code(201)
      }
      return answer(reply, name, options)
    },
  )

  router.delete(
    '/v1/apps/:name',
    {
      schema: {
        tags,
        summary: 'Remove an app: the record, then its instances, then their containers',
        operationId: 'deleteApp',
        params: NameParams,
        querystring: NoQuery,
        headers: ETag,
        response: answers({ 200: Removed }),
      },
    },
    async (request) => {
      const { name } = request.params
      const stored = apps.get(name)?.value.name ?? name
      const removal = await sleeper.remove(stored, expected(request.headers))
      if (!removal) throw new ProblemError('unknown-app')
      return { name: stored, ...removal }
    },
  )
}

async function answer(reply: FastifyReply, name: string, options: AppRoutes): Promise<Shown> {
  const held = options.apps.get(name)
  if (!held) throw new ProblemError('unknown-app')
  const { keys } = options.catalog
  const use = await options.store.get(keys.named('activity', held.value.name)).catch(() => null)
  reply.header('etag', `"${held.entry.modRevision}"`)
  return show(held, use?.value, options)
}

function show(held: Held<App>, use: string | undefined, options: AppRoutes): Shown {
  const { name } = held.value
  const status = {
    ...stateOf(name, options.catalog, options.control),
    lastUsed: readUse(use),
    revision: held.entry.modRevision,
  }
  return { ...held.value, status }
}

/** Last use by name, as gateways wrote it. Nothing where etcd does not answer: the list works without. */
async function lastUses({ catalog, store }: AppRoutes): Promise<Map<string, string>> {
  const folder = catalog.keys.folder('activity')
  const { entries } = await store.list(folder).catch(() => ({ entries: [] }))
  return new Map(entries.map(({ key, value }) => [key.slice(folder.length), value]))
}
