import { setMaxListeners } from 'node:events'
import { type FastifyInstance, type FastifyReply, fastify } from 'fastify'
import { formatEndpoint } from '../../model/endpoint.ts'
import { pinCookie } from '../../model/pin.ts'
import { problem } from '../../model/problem.ts'
import { Carrier } from '../carry/carrier.ts'
import { createCarryServer } from '../carry/server.ts'
import { type Decision, Door, type DoorOptions } from './door.ts'
import type { EventStreams } from './events.ts'
import { decodeOrder, encodeOrder } from './order.ts'
import type { Pages } from './page.ts'
import { type Ask, readAsk } from './request.ts'

/** What the gate needs to know and do. */
export interface GateOptions extends DoorOptions {
  pages: Pages
  events: EventStreams
  health(): { ok: boolean; detail?: object }
}

/**
 * The wake port. Gateways that can hold a request ask here where it can go, and gateways that cannot send the request
 * itself: it waits at the same door and is carried on from here.
 */
export function buildGate(options: GateOptions): { server: FastifyInstance; end(): void } {
  const ending = new AbortController()
  // As many as there are held requests.
  setMaxListeners(0, ending.signal)
  const door = new Door(options, ending.signal)
  const carrier = new Carrier({ door, pages: options.pages })
  const server = fastify({
    logger: false,
    forceCloseConnections: 'idle',
    serverFactory: (handler) => createCarryServer(handler, carrier),
    routerOptions: { maxParamLength: 100 },
  })

  server.get('/wake', async (request, reply) => {
    const ask = readAsk(request.headers)
    return say(reply, ask, await door.ask(ask, reply.raw))
  })

  server.get('/page', async (request, reply) => {
    const text = request.headers['x-reveille-page']
    const page = typeof text === 'string' ? decodeOrder(text) : null
    if (!page) return reply.code(400).send('')
    const method = String(request.headers['x-reveille-method'] ?? 'GET')
    const { status, headers, body } = options.pages.render(page)
    return reply
      .code(status)
      .headers(headers)
      .send(method === 'HEAD' ? '' : body)
  })

  server.get<{ Params: { app: string } }>('/_reveille/events/:app', (request, reply) => {
    const app = options.find(request.params.app, 'route')
    if (!app) return void reply.code(404).type('application/problem+json').send(unknown())
    if (ending.signal.aborted || !options.events.serve(app, readAsk(request.headers).client, reply))
      return void busy(reply)
  })

  server.get('/healthz', (_request, reply) => {
    const { ok, detail } = options.health()
    return reply.code(ok ? 200 : 503).send({ ok, ...detail })
  })

  return { server, end: () => ending.abort() }
}

/** Says it as auth_request hears it: a refusal is status 403, the only one it passes on, with what to show in a header. */
function say(reply: FastifyReply, ask: Ask, decision: Decision): FastifyReply {
  switch (decision.is) {
    case 'upstream':
      if (decision.pin !== null)
        reply.header('x-reveille-cookie', pinCookie(decision.pin, ask.prefix))
      return reply
        .header('x-reveille-upstream', formatEndpoint(decision.endpoint))
        .code(200)
        .send('')
    case 'page':
      return reply.code(403).header('x-reveille-page', encodeOrder(decision.order)).send('')
    case 'awake':
      return reply.code(403).header('x-reveille-page', 'awake').send('')
    case 'unknown':
      return reply.code(403).header('x-reveille-page', '404').send('')
    case 'again':
      return reply.code(425).send('')
    case 'busy':
      return busy(reply)
  }
}

/** Nobody is left to hear it, or this launcher ends and another one is to be asked. */
function busy(reply: FastifyReply): FastifyReply {
  return reply.code(503).header('retry-after', '1').send('')
}

function unknown(): string {
  return JSON.stringify(problem('unknown-app'))
}
