import { randomUUID } from 'node:crypto'
import swagger from '@fastify/swagger'
import { type FastifyInstance, fastify } from 'fastify'
import type { ZodTypeProvider } from 'fastify-type-provider-zod'
import type { z } from 'zod'
import type { Endpoint } from '../../model/endpoint.ts'
import { ProblemError } from '../../model/problem.ts'
import { Fleet } from '../fleet.ts'
import { Estate } from '../place/estate.ts'
import { Homes } from '../place/home.ts'
import { reachable } from '../reachable.ts'
import { Drainer } from '../roll/drain.ts'
import { type Bring, Exchange } from '../roll/exchange.ts'
import { Mover } from '../roll/move.ts'
import { Replacer } from '../roll/replace.ts'
import { Retreat } from '../roll/retreat.ts'
import { Rolls } from '../roll/roll.ts'
import { Slots } from '../roll/slots.ts'
import { Sleeper } from '../sleep/sleep.ts'
import { openApps, openBlueprints } from '../store.ts'
import { actionRoutes } from './actions.ts'
import { appRoutes } from './apps.ts'
import { blueprintRoutes } from './blueprints.ts'
import { document } from './document.ts'
import { drainRoutes } from './drains.ts'
import { eventRoutes } from './events.ts'
import { guard } from './guard.ts'
import { hostRoutes } from './hosts.ts'
import { instanceRoutes } from './instances.ts'
import { logRoutes } from './logs.ts'
import type { ApiOptions } from './options.ts'
import { placementRoute } from './placement.ts'
import { answerProblems, complaints, refuseConnection, sendProblem } from './problems.ts'
import { replaceRoute } from './replace.ts'
import type { Router } from './router.ts'
import { serviceRoutes } from './service.ts'
import { waitForCatalog } from './synced.ts'

/** Largest body, bytes; an App is at most 64 KiB. */
const BODY = 256 * 1024
/** How long a request may take to arrive whole, milliseconds. */
const ARRIVAL = 15_000

/**
 * The private API of a launcher. It does not listen: the caller does, on `options.listen`. Nothing is stored or
 * started for a request that is refused.
 */
export function buildApi(options: ApiOptions): FastifyInstance {
  const { log, token, listen, hosts = [] } = options
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
  guard(app, { token, listen, hosts })
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
  void app.register(swagger, document)
  void app.register(async (router) => routes(router.withTypeProvider<ZodTypeProvider>(), options))
  return app as unknown as FastifyInstance
}

function routes(router: Router, options: ApiOptions): void {
  const { catalog, control, engines, registries, session, id, log } = options
  waitForCatalog(router, options.synced)
  const store = reachable(options.store)
  const fleet = new Fleet({ catalog, engines })
  const apps = openApps({ catalog, store, registries })
  const claiming = {
    ...{ catalog, engines, store, session },
    owner: () => `${id}/${randomUUID()}`,
    now: () => new Date(),
    drainTimeout: options.drainTimeout ?? 30,
  }
  const sleeper = new Sleeper({
    ...claiming,
    fleet,
    estate: new Estate({ catalog, homes: new Homes(catalog, store, engines), engines }),
    forget: (name, expected) => apps.remove(name, expected),
    wake: (name) => control.wake(name),
  })
  const ending = new AbortController()
  router.addHook('preClose', async () => ending.abort(new Error('this launcher ends')))
  const slots = new Slots({ ...claiming, fleet })
  const rolls = new Rolls(claiming, ending.signal)
  const bring = (what: Bring): Promise<Endpoint> => control.bring(what)
  const exchange = new Exchange({ catalog, slots, bring, signal: ending.signal })
  const retreat = new Retreat({ apps, slots, exchange })
  const onSleep = options.onSleep ?? (() => {})
  appRoutes(router, { catalog, control, store, apps, fleet, sleeper })
  actionRoutes(router, { catalog, control, sleeper, onSleep, log })
  replaceRoute(router, {
    ...{ catalog, apps, log },
    replacer: new Replacer({ catalog, apps, rolls, slots, exchange, retreat }),
  })
  placementRoute(router, { catalog, control })
  logRoutes(router, { catalog, fleet, engines })
  blueprintRoutes(router, openBlueprints({ catalog, store, registries }))
  instanceRoutes(router, fleet)
  hostRoutes(router, { catalog, fleet })
  const mover = new Mover({ catalog, rolls, slots, exchange })
  drainRoutes(router, { drainer: new Drainer({ ...claiming, slots, exchange, mover }), log })
  eventRoutes(router, { catalog, control })
  serviceRoutes(router, options)
}
