import { setMaxListeners } from 'node:events'
import { setTimeout as pause } from 'node:timers/promises'
import { type FastifyInstance, type FastifyReply, fastify } from 'fastify'
import type { App } from '../../model/app.ts'
import { type Endpoint, formatEndpoint } from '../../model/endpoint.ts'
import { canonical } from '../../model/name.ts'
import { type Problem, problem } from '../../model/problem.ts'
import type { EventStreams } from './events.ts'
import type { HoldLimits, Holds } from './hold.ts'
import { decodeOrder, encodeOrder, type Order } from './order.ts'
import type { Pages } from './page.ts'
import { Release } from './release.ts'
import { type Ask, readAsk } from './request.ts'
import { REFRESH, type WaitOptions, waitFor } from './wait.ts'

/** What the gate needs to know and do. */
export interface GateOptions extends WaitOptions {
  find(name: string): App | null
  /** where an app answers that is registered but not ours to wake; silent if it does not answer, null if there is none */
  registered(name: string, dead: string): Promise<Endpoint | 'silent' | null>
  holds: Holds
  pages: Pages
  events: EventStreams
  /** what stands for an instance in a client's cookie, null where there is none any more */
  pinOf(app: string, endpoint: Endpoint): string | null
  /** told the answer to each question: upstream, unknown, page, left, again or a problem code */
  count(answer: string): void
  health(): { ok: boolean; detail?: object }
  /** resolves when the catalog is complete; before that no name is unknown */
  synced: Promise<void>
  /** whether visitors are told why an app failed; operators always are */
  tellsReasons: boolean
}

/** How long a question waits for the catalog, milliseconds. */
const SYNC = 5_000
/** Why a request is not held. */
const FULL: Record<keyof HoldLimits, string> = {
  perApp: 'as many wait for this app as may',
  perClient: 'as many requests of this client wait as may',
  total: 'as many requests wait here as may',
}

/**
 * The wake port: gateways ask here where a request for an app that has no route can go. The question is held until
 * the app is ready, the client leaves, or it has waited long enough for a page or for its time limit.
 */
export function buildGate(options: GateOptions): { server: FastifyInstance; end(): void } {
  const ending = new AbortController()
  // As many as there are held requests.
  setMaxListeners(0, ending.signal)
  const release = new Release()
  let synced = false
  const complete = options.synced.then(() => {
    synced = true
  })
  const server = fastify({
    logger: false,
    http: { maxHeaderSize: 64 * 1024 },
    // Above what gateways keep connections for: it is they who close.
    keepAliveTimeout: 75_000,
    requestTimeout: 0,
    forceCloseConnections: 'idle',
    routerOptions: { maxParamLength: 100 },
  })

  server.get('/wake', async (request, reply) => {
    const ask = readAsk(request.headers)
    if (!synced && !(await wholeCatalog(ask.client))) return busy(reply)
    const app = options.find(ask.app)
    if (!app) return await sendRegistered(ask, reply)
    if (ending.signal.aborted) return busy(reply)
    const name = canonical(app.name)
    const full = options.holds.enter(name, ask.client)
    if (full !== null) {
      const more = { app: app.name, detail: FULL[full], retryAfter: REFRESH }
      return order(reply, ask, app.name, problem('overloaded', more))
    }
    try {
      const answer = await waitFor(app, ask, reply.raw, ending.signal, options)
      if (answer.is === 'problem') return order(reply, ask, app.name, answer.problem)
      if (answer.is === 'upstream') {
        await release.turn(name)
        return sendUpstream(reply, answer.endpoint, app, ask)
      }
      options.count(answer.is)
      return answer.is === 'again' ? reply.code(425).send('') : busy(reply)
    } finally {
      options.holds.leave(name, ask.client)
    }
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
    const app = options.find(request.params.app)
    if (!app) return void reply.code(404).type('application/problem+json').send(unknown())
    if (ending.signal.aborted || !options.events.serve(app, readAsk(request.headers).client, reply))
      return void busy(reply)
  })

  server.get('/healthz', (_request, reply) => {
    const { ok, detail } = options.health()
    return reply.code(ok ? 200 : 503).send({ ok, ...detail })
  })

  /** Waits until the catalog is complete, as one of those who are held. Returns whether it is. */
  async function wholeCatalog(client: string): Promise<boolean> {
    if (options.holds.enter('', client) !== null) return false
    try {
      await Promise.race([complete, pause(SYNC, null, { ref: false })])
      return synced
    } finally {
      options.holds.leave('', client)
    }
  }

  /** An app that has no App: its sidekick registered it, a moment ago or before it died. */
  async function sendRegistered(ask: Ask, reply: FastifyReply): Promise<FastifyReply> {
    const endpoint = await options.registered(ask.app, ask.dead)
    if (endpoint === null) return refuse(reply, '404', 'unknown')
    if (endpoint !== 'silent') return sendUpstream(reply, endpoint)
    const detail = 'no server of it answers, and it is not ours to start'
    const more = { app: ask.app, detail, retryAfter: REFRESH }
    return order(reply, ask, ask.app, problem('unavailable', more))
  }

  function sendUpstream(
    reply: FastifyReply,
    endpoint: Endpoint,
    app?: App,
    ask?: Ask,
  ): FastifyReply {
    options.count('upstream')
    const id = app?.sticky ? options.pinOf(app.name, endpoint) : null
    if (id !== null && ask)
      reply.header(
        'x-reveille-cookie',
        `reveille_instance=${id}; Path=/${ask.app}/; HttpOnly; SameSite=Lax`,
      )
    return reply.header('x-reveille-upstream', formatEndpoint(endpoint)).code(200).send('')
  }

  /** What visitors see of a problem. */
  function told(problem: Problem): Problem {
    const { detail: _, ...short } = problem
    return options.tellsReasons ? problem : short
  }

  /** A refusal goes as status 403, the only one auth_request passes on, with what to show in a header. */
  function refuse(reply: FastifyReply, page: string, answer: string): FastifyReply {
    options.count(answer)
    return reply.code(403).header('x-reveille-page', page).send('')
  }

  function order(reply: FastifyReply, ask: Ask, app: string, problem: Problem): FastifyReply {
    const code = problem.type.slice('urn:reveille:problem:'.length)
    // The gateway has this page itself: the unknown and the forbidden look the same.
    if (problem.status === 404) return refuse(reply, '404', code)
    const kind: Order['kind'] = code === 'waiting' ? 'waiting' : 'problem'
    const { wantsHtml } = ask
    const retryAfter = problem.retryAfter ?? REFRESH
    const page = { kind, problem: told(problem), app, wantsHtml, retryAfter }
    return refuse(reply, encodeOrder(page), kind === 'waiting' ? 'page' : code)
  }

  return { server, end: () => ending.abort() }
}

/** Nobody is left to hear it, or this launcher ends and another one is to be asked. */
function busy(reply: FastifyReply): FastifyReply {
  return reply.code(503).header('retry-after', '1').send('')
}

function unknown(): string {
  return JSON.stringify(problem('unknown-app'))
}
