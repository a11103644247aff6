import type { FastifyReply } from 'fastify'
import { z } from 'zod'
import { Blueprint } from '../../model/blueprint.ts'
import { ProblemError } from '../../model/problem.ts'
import type { Collection } from '../collection.ts'
import { ETag, expected, nameFromPath } from './etag.ts'
import type { Router } from './router.ts'
import { answers, NameParams, NoQuery } from './schema.ts'

const tags = ['blueprints']

/** Create, read, replace, remove and list Blueprints. */
export function blueprintRoutes(router: Router, blueprints: Collection<Blueprint>): void {
  const answer = (reply: FastifyReply, name: string): Blueprint => {
    const held = blueprints.get(name)
    if (!held) throw new ProblemError('not-found')
    return written(reply, held.value, held.entry.modRevision)
  }

  router.get(
    '/v1/blueprints',
    {
      schema: {
        tags,
        summary: 'List the blueprints',
        operationId: 'listBlueprints',
        querystring: NoQuery,
        response: answers({ 200: z.object({ blueprints: z.array(Blueprint) }) }),
      },
    },
    async () => ({ blueprints: blueprints.list().map((held) => held.value) }),
  )

  router.post(
    '/v1/blueprints',
    {
      schema: {
        tags,
        summary: 'Create a blueprint',
        operationId: 'createBlueprint',
        querystring: NoQuery,
        body: Blueprint,
        response: answers({ 201: Blueprint }),
      },
    },
    async (request, reply) => {
      const revision = await blueprints.create(request.body)
      return written(reply.code(201), request.body, revision)
    },
  )

  router.get(
    '/v1/blueprints/:name',
    {
      schema: {
        tags,
        summary: 'Show a blueprint',
        operationId: 'getBlueprint',
        params: NameParams,
        querystring: NoQuery,
        response: answers({ 200: Blueprint }),
      },
    },
    async (request, reply) => answer(reply, request.params.name),
  )

  router.put(
    '/v1/blueprints/:name',
    {
      preValidation: nameFromPath((name) => name),
      schema: {
        tags,
        summary: 'Replace a blueprint, or create it; the name may be left out of the body',
        operationId: 'putBlueprint',
        params: NameParams,
        querystring: NoQuery,
        headers: ETag,
        body: Blueprint,
        response: answers({ 200: Blueprint, 201: Blueprint }),
      },
    },
    async (request, reply) => {
      const { revision, isNew } = await blueprints.put(request.body, expected(request.headers))
      return written(reply.code(isNew ? 201 : 200), request.body, revision)
    },
  )

  router.delete(
    '/v1/blueprints/:name',
    {
      schema: {
        tags,
        summary: 'Remove a blueprint; instances it made run on until they sleep',
        operationId: 'deleteBlueprint',
        params: NameParams,
        querystring: NoQuery,
        headers: ETag,
        response: answers({ 204: z.null().describe('It is gone') }),
      },
    },
    async (request, reply) => {
      const removed = await blueprints.remove(request.params.name, expected(request.headers))
      if (!removed) throw new ProblemError('not-found')
      return reply.code(204).send(null)
    },
  )
}

/** Answers with a record at its revision: what was just written may not have come back to this process yet. */
function written(reply: FastifyReply, blueprint: Blueprint, revision: string): Blueprint {
  reply.header('etag', `"${revision}"`)
  return blueprint
}
