import { fastify } from 'fastify'
import type { Registry } from 'prom-client'
import { parseEndpoint } from '../model/endpoint.ts'

export interface AdminOptions {
  /** address:port */
  listen: string
  /** asked at each request; `ok: false` answers 503 */
  health(): { ok: boolean; detail?: object }
  metrics: Registry
}

/** Serves /healthz and /metrics for whoever watches this process. Throws if the address is taken. */
export async function startAdmin(options: AdminOptions): Promise<{ close(): Promise<void> }> {
  const app = fastify({ logger: false, forceCloseConnections: true })
  app.get('/healthz', (_request, reply) => {
    const { ok, detail } = options.health()
    return reply.code(ok ? 200 : 503).send({ ok, ...detail })
  })
  app.get('/metrics', async (_request, reply) =>
    reply.type(options.metrics.contentType).send(await options.metrics.metrics()),
  )
  const endpoint = parseEndpoint(options.listen)
  if (!endpoint) throw new Error(`${options.listen} is not an address:port`)
  await app.listen(endpoint)
  return { close: () => app.close() }
}
