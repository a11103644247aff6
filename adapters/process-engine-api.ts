import { cpus, hostname, totalmem } from 'node:os'
import { type FastifyInstance, type FastifyReply, fastify } from 'fastify'
import { NotStartable } from './process-engine-child.ts'
import { execRoutes } from './process-engine-exec.ts'
import { type CreateRequest, type ProcessEngineState, Refusal } from './process-engine-state.ts'
import { streamEvents, streamLogs } from './process-engine-stream.ts'
import { Filters, inspection, summary } from './process-engine-view.ts'

/** Docker's API as of engine 20.10. */
const API = '1.41'

type ById = { Params: { id: string } }
type WithFilters = { Querystring: { filters?: string } }

/** `1763692800.000000123`, as Docker's clients write a time, as nanoseconds. */
function nanoseconds(text: string | undefined): bigint | null {
  const [seconds = '', fraction = ''] = text?.split('.') ?? []
  if (!/^[0-9]+$/.test(seconds) || !/^[0-9]*$/.test(fraction)) return null
  return BigInt(seconds) * 1_000_000_000n + BigInt(fraction.slice(0, 9).padEnd(9, '0'))
}

/** RFC 3339 with nanoseconds. */
function timestamp(time: bigint): string {
  const date = new Date(Number(time / 1_000_000n)).toISOString().slice(0, 19)
  return `${date}.${String(time % 1_000_000_000n).padStart(9, '0')}Z`
}

const isTrue = (text: string | undefined): boolean => text === '1' || text?.toLowerCase() === 'true'

/** The subset of Docker's HTTP API that adapters/docker.ts uses, with Docker's statuses and words. */
export function processEngineApi(state: ProcessEngineState): FastifyInstance {
  const app = fastify({
    logger: false,
    forceCloseConnections: true,
    bodyLimit: 4 * 1024 * 1024,
    rewriteUrl: (request) => (request.url ?? '/').replace(/^\/v[0-9.]+\//, '/'),
  })
  app.setErrorHandler((error: Error & { statusCode?: number }, _request, reply) =>
    reply
      .code(error instanceof NotStartable ? 400 : (error.statusCode ?? 500))
      .send({ message: error.message }),
  )
  app.setNotFoundHandler((_request, reply) => reply.code(404).send({ message: 'page not found' }))
  // Docker's clients send bodies without a type, and a type without a body
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('*', { parseAs: 'string' }, (_request, body, done) => {
    try {
      done(null, body === '' ? {} : JSON.parse(String(body)))
    } catch {
      done(new Refusal(400, 'invalid JSON'))
    }
  })
  systemRoutes(app, state)
  imageRoutes(app, state)
  containerRoutes(app, state)
  lifeRoutes(app, state)
  execRoutes(app, state)
  return app
}

function systemRoutes(app: FastifyInstance, state: ProcessEngineState): void {
  app.get('/_ping', (_request, reply) =>
    reply.header('Api-Version', API).type('text/plain').send('OK'),
  )
  app.get('/version', () => ({
    Version: 'process',
    ApiVersion: API,
    MinAPIVersion: API,
    Os: process.platform,
    Arch: process.arch,
  }))
  app.get('/info', () => ({
    ID: 'reveille-process-engine',
    Name: hostname(),
    ServerVersion: 'process',
    OperatingSystem: 'child processes of reveille, without isolation or limits',
    NCPU: cpus().length,
    MemTotal: totalmem(),
    Containers: state.list().length,
    Images: state.images.size,
    SystemTime: timestamp(state.events.now()),
  }))
  // its containers are reached on the loopback, as Docker's are on the bridge
  app.get('/networks/bridge', () => ({
    Name: 'bridge',
    Driver: 'null',
    IPAM: { Config: [{ Subnet: '127.0.0.0/8', Gateway: '127.0.0.1' }] },
  }))
  for (const path of ['/networks/create', '/volumes/create'])
    app.post(path, () => {
      throw new Refusal(501, 'apps that run as processes have neither groups nor volumes')
    })
  app.get<WithFilters & { Querystring: { since?: string; until?: string } }>(
    '/events',
    (request, reply: FastifyReply) => {
      const { filters, since, until } = request.query
      const options = {
        filters: new Filters(filters),
        since: nanoseconds(since),
        until: nanoseconds(until),
      }
      reply.hijack()
      streamEvents(reply.raw, state.events, options)
    },
  )
}

function imageRoutes(app: FastifyInstance, state: ProcessEngineState): void {
  app.get('/images/json', () =>
    [...state.images.keys()].map((image) => ({ Id: image, RepoTags: [image], Size: 0 })),
  )
  app.get<{ Params: { '*': string } }>('/images/*', (request) => {
    const reference = request.params['*'].replace(/\/json$/, '')
    const image = state.image(decodeURIComponent(reference))
    const port = `${image.port ?? 8000}/tcp`
    return {
      Id: reference,
      RepoTags: [reference],
      Config: { Cmd: image.command, ExposedPorts: { [port]: {} } },
    }
  })
  app.post<{ Querystring: { fromImage?: string; tag?: string } }>('/images/create', (request) => {
    const { fromImage = '', tag } = request.query
    const reference = tag ? `${fromImage}:${tag}` : fromImage
    if (!state.has(reference))
      throw new Refusal(
        404,
        `the process engine is for trying things out: it has only the images of ${state.source}: ${state.names}`,
      )
    return `${JSON.stringify({ status: `Status: Image is up to date for ${reference}` })}\n`
  })
}

function containerRoutes(app: FastifyInstance, state: ProcessEngineState): void {
  app.get<WithFilters & { Querystring: { all?: string } }>('/containers/json', (request) => {
    const filters = new Filters(request.query.filters)
    return state
      .list()
      .filter(({ state }) => isTrue(request.query.all) || state === 'running')
      .filter(
        ({ id, spec, state }) =>
          filters.matches(spec.labels) &&
          filters.allows('status', state) &&
          filters.allows('id', id) &&
          filters.allows('name', spec.name),
      )
      .map(summary)
  })
  app.post<{ Querystring: { name?: string }; Body: CreateRequest | null }>(
    '/containers/create',
    (request, reply) => {
      const container = state.create(request.query.name ?? '', request.body ?? {})
      return reply.code(201).send({ Id: container.id, Warnings: [] })
    },
  )
  app.get<ById>('/containers/:id/json', (request) => inspection(state.find(request.params.id)))
  app.delete<ById & { Querystring: { force?: string } }>(
    '/containers/:id',
    async (request, reply) => {
      await state.remove(state.find(request.params.id), isTrue(request.query.force))
      return reply.code(204).send()
    },
  )
}

function lifeRoutes(app: FastifyInstance, state: ProcessEngineState): void {
  app.post<ById>('/containers/:id/start', async (request, reply) => {
    const started = await state.find(request.params.id).start()
    return reply.code(started ? 204 : 304).send()
  })
  app.post<ById & { Querystring: { t?: string } }>(
    '/containers/:id/stop',
    async (request, reply) => {
      const { t } = request.query
      const stopped = await state
        .find(request.params.id)
        .stop(t === undefined ? undefined : Number(t))
      return reply.code(stopped ? 204 : 304).send()
    },
  )
  app.post<ById>('/containers/:id/wait', async (request) => {
    const container = state.find(request.params.id)
    await container.ended()
    return { StatusCode: container.exitCode }
  })
  app.get<ById & { Querystring: Record<string, string> }>(
    '/containers/:id/logs',
    (request, reply) => {
      const { tail, follow, stdout, stderr } = request.query
      const container = state.find(request.params.id)
      const streams = new Set([isTrue(stdout) ? 1 : 0, isTrue(stderr) ? 2 : 0])
      const count = tail === undefined || tail === 'all' ? Number.POSITIVE_INFINITY : Number(tail)
      reply.hijack()
      streamLogs(reply.raw, container, { tail: count, follow: isTrue(follow), streams })
    },
  )
}
