import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import type { App } from '../../model/app.ts'
import type { Held } from '../../model/state.ts'
import { coreOf } from '../api/core.ts'
import type { ApiOptions } from '../api/options.ts'
import { openPrivate } from '../api/private.ts'
import type { Router } from '../api/router.ts'
import { stateOf } from '../api/status.ts'
import { waitForCatalog } from '../api/synced.ts'
import { DeployRequest, translate } from './deploy-request.ts'
import { Deployments, idOf } from './deployments.ts'
import { type LoginOptions, Logins } from './login.ts'
import { holderOf } from './pass.ts'
import type { WayTo } from './way-to.ts'

export interface SpawnerOptions extends Omit<ApiOptions, 'token' | 'metrics' | 'health'> {
  login: LoginOptions
  /** how clients reach an app: a path, and the cookie they need */
  wayTo(app: string): WayTo
}

const Credentials = z.strictObject({
  username: z.string().min(1).max(63),
  password: z.string().min(1).max(256),
})
/** A name, or an id */
const Which = z.strictObject({ name: z.string().regex(/^[A-Za-z0-9_-]{1,64}$/) })
/** What an instance's state is called here. */
const STATUS = { ready: 'running', starting: 'starting', stopping: 'stopping', asleep: 'exited' }

/**
 * The spawner API: a few calls by which the home of a site makes, starts, lists and removes instances. It does not
 * listen: the caller does, on `options.listen`.
 */
export function buildSpawner(options: SpawnerOptions): FastifyInstance {
  const { log, listen, hosts = [], login } = options
  const isGood = async (token: string): Promise<boolean> =>
    holderOf(token, await login.users(), Date.now() / 1000) !== null
  const app = openPrivate({ log, listen, hosts, isGood, tokenHeader: 'token' })
  // Scripts say JSON of every request, also of one that has no body.
  app.addHook('onRequest', async ({ method, headers }) => {
    const hasBody = Number(headers['content-length'] ?? 0) > 0 || 'transfer-encoding' in headers
    if (!hasBody && (method === 'PUT' || method === 'DELETE')) delete headers['content-type']
  })
  void app.register(async (router) => routes(router as Router, options))
  return app as unknown as FastifyInstance
}

function routes(router: Router, options: SpawnerOptions): void {
  waitForCatalog(router, options.synced)
  const { catalog, control, log } = options
  const core = coreOf(options)
  const deployments = new Deployments({ ...core, catalog, control, log })
  const logins = new Logins(options.login)
  const show = (held: Held<App>) => viewOf(held, options)

  router.post(
    '/login',
    { config: { open: true }, schema: { body: Credentials } },
    async (request) => await logins.login(request.body, request.socket.remoteAddress ?? ''),
  )

  for (const path of ['/deploy', '/deploy/']) {
    router.get(path, async () => ({ instances: deployments.list().map(show) }))

    router.post(path, { schema: { body: DeployRequest } }, async (request, reply) => {
      const { app, ignored } = translate(request.body)
      const held = await deployments.create(app)
      return reply.code(201).send({ ...show(held), ...(ignored.length > 0 && { ignored }) })
    })
  }

  router.put('/deploy/:name', { schema: { params: Which } }, async (request) => {
    const held = deployments.get(request.params.name)
    await deployments.start(held.value.name)
    return show(held)
  })

  router.delete('/deploy/:name', { schema: { params: Which } }, async (request) => {
    const held = deployments.get(request.params.name)
    await deployments.remove(held)
    return { result: 'ok', id: idOf(held), name: held.value.name }
  })
}

/** An instance as it is told of. */
function viewOf(held: Held<App>, { catalog, control, wayTo }: SpawnerOptions) {
  const { name, image, group } = held.value
  const { state, slots } = stateOf(name, catalog, control)
  return {
    id: idOf(held),
    name,
    image,
    status: STATUS[state],
    address: slots[0]?.endpoint ?? null,
    ...wayTo(name),
    ...(group !== undefined && { group }),
  }
}
