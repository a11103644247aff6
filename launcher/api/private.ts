import { fastify } from 'fastify'
import type { ZodTypeProvider } from 'fastify-type-provider-zod'
import type { z } from 'zod'
import { ProblemError } from '../../model/problem.ts'
import { type GuardOptions, guard } from './guard.ts'
import type { Log } from './options.ts'
import { answerProblems, complaints, refuseConnection, sendProblem } from './problems.ts'
import type { Router } from './router.ts'

/** Largest body, bytes; an App is at most 64 KiB. */
const BODY = 256 * 1024
/** How long a request may take to arrive whole, milliseconds. */
const ARRIVAL = 15_000

/**
 * A server for who has a token: guarded, its bodies limited and held against the schemas of its routes, its errors
 * problems, its changes logged. It has no routes yet, and does not listen.
 */
export function openPrivate({ log, ...guarding }: GuardOptions & { log: Log }): Router {
  const app = fastify({
    logger: false,
    bodyLimit: BODY,
    requestTimeout: ARRIVAL,
    // Node looks for the late only so often, every 30 s unless told.
    http: { headersTimeout: 10_000, connectionsCheckingInterval: 5_000 },
    forceCloseConnections: true,
    exposeHeadRoutes: false,
    clientErrorHandler: refuseConnection,
    frameworkErrors: (_error, _request, reply) => {
      void sendProblem(reply, new ProblemError('invalid-input', { detail: 'a bad URL' }).problem)
    },
  }).withTypeProvider<ZodTypeProvider>()
  app.removeContentTypeParser('text/plain')
  app.setValidatorCompiler<z.ZodType>(({ schema }) => (data) => {
    const parsed = schema.safeParse(data)
    if (parsed.success) return { value: parsed.data }
    return { error: new ProblemError('invalid-input', { errors: complaints(parsed.error) }) }
  })
  // Answers are made by us, field by field; their schemas are for the document.
  app.setSerializerCompiler(() => JSON.stringify)
  answerProblems(app, log)
  guard(app, guarding)
  app.addHook('onSend', async (_request, reply) => {
    reply.header('cache-control', 'no-store').header('x-content-type-options', 'nosniff')
  })
  app.addHook('onResponse', async (request, reply) => {
    if (request.method === 'GET') return
    const { url } = request.routeOptions
    const { name } = (request.params ?? {}) as { name?: string }
    const fields = { route: `${request.method} ${url ?? ''}`, status: reply.statusCode }
    log.info({ ...fields, ...(reply.statusCode < 400 && name && { app: name }) }, 'api')
  })
  return app
}
