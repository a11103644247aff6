import { z } from 'zod'
import type { ApiOptions } from './options.ts'
import type { Router } from './router.ts'
import { NoQuery, stream } from './schema.ts'

const config = { open: true }
const tags = ['service']
const Health = z.looseObject({ ok: z.boolean() })

/** What is answered without a token: is it well, how does it do, how is it used. Nothing in it is about an app. */
export function serviceRoutes(
  router: Router,
  { health, metrics }: Pick<ApiOptions, 'health' | 'metrics'>,
): void {
  router.get(
    '/healthz',
    {
      config,
      schema: {
        tags,
        summary: 'Whether this launcher works; 503 if not',
        operationId: 'health',
        security: [],
        querystring: NoQuery,
        response: { 200: Health, 503: Health },
      },
    },
    async (_request, reply) => {
      const { ok, detail } = health()
      return reply.code(ok ? 200 : 503).send({ ok, ...detail })
    },
  )

  router.get(
    '/metrics',
    {
      config,
      schema: {
        tags,
        summary: 'Metrics for Prometheus',
        operationId: 'metrics',
        security: [],
        querystring: NoQuery,
        response: { 200: stream('text/plain', 'Prometheus text format') },
      },
    },
    async (_request, reply) => {
      const text: string = await metrics.metrics()
      return reply.type(metrics.contentType).serializer(String).send(text)
    },
  )

  router.get(
    '/openapi.json',
    {
      config,
      schema: {
        tags,
        summary: 'This description',
        operationId: 'openapi',
        security: [],
        querystring: NoQuery,
        response: { 200: z.looseObject({ openapi: z.string() }) },
      },
    },
    async () => ({ ...router.swagger() }) as { openapi: string },
  )
}
