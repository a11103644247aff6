import { setMaxListeners } from 'node:events'
import swagger from '@fastify/swagger'
import type { FastifyInstance } from 'fastify'
import type { ZodTypeProvider } from 'fastify-type-provider-zod'
import type { Endpoint } from '../../model/endpoint.ts'
import { Drainer } from '../roll/drain.ts'
import { type Bring, Exchange } from '../roll/exchange.ts'
import { Mover } from '../roll/move.ts'
import { Replacer } from '../roll/replace.ts'
import { Retreat } from '../roll/retreat.ts'
import { Rolls } from '../roll/roll.ts'
import { Slots } from '../roll/slots.ts'
import { openBlueprints } from '../store.ts'
import { actionRoutes } from './actions.ts'
import { appRoutes } from './apps.ts'
import { blueprintRoutes } from './blueprints.ts'
import { coreOf } from './core.ts'
import { document } from './document.ts'
import { drainRoutes } from './drains.ts'
import { eventRoutes } from './events.ts'
import { isToken } from './guard.ts'
import { hostRoutes } from './hosts.ts'
import { instanceRoutes } from './instances.ts'
import { logRoutes } from './logs.ts'
import type { ApiOptions } from './options.ts'
import { placementRoute } from './placement.ts'
import { openPrivate } from './private.ts'
import { replaceRoute } from './replace.ts'
import type { Router } from './router.ts'
import { serviceRoutes } from './service.ts'
import { waitForCatalog } from './synced.ts'

/**
 * The private API of a launcher. It does not listen: the caller does, on `options.listen`. Nothing is stored or
 * started for a request that is refused.
 */
export function buildApi(options: ApiOptions): FastifyInstance {
  const { log, token, listen, hosts = [] } = options
  const app = openPrivate({ log, listen, hosts, isGood: isToken(token) })
  void app.register(swagger, document)
  void app.register(async (router) => routes(router.withTypeProvider<ZodTypeProvider>(), options))
  return app as unknown as FastifyInstance
}

function routes(router: Router, options: ApiOptions): void {
  const { catalog, control, engines, registries, hostNetwork, others, log } = options
  waitForCatalog(router, options.synced)
  const { store, fleet, apps, claiming, sleeper } = coreOf(options)
  const ending = new AbortController()
  // As many as there are instances that are exchanged.
  setMaxListeners(0, ending.signal)
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
  blueprintRoutes(router, openBlueprints({ catalog, store, registries, hostNetwork, others }))
  instanceRoutes(router, { fleet, catalog })
  hostRoutes(router, { catalog, fleet })
  const mover = new Mover({ catalog, rolls, slots, exchange })
  drainRoutes(router, { drainer: new Drainer({ ...claiming, slots, exchange, mover }), log })
  eventRoutes(router, { catalog, control })
  serviceRoutes(router, options)
}
