import { Readable } from 'node:stream'
import { z } from 'zod'
import { canonical } from '../../model/name.ts'
import { ProblemError } from '../../model/problem.ts'
import type { Catalog } from '../catalog.ts'
import type { Fleet } from '../fleet.ts'
import type { Engines } from './control.ts'
import type { Router } from './router.ts'
import { answers, NameParams, stream } from './schema.ts'

export interface LogRoutes {
  catalog: Catalog
  fleet: Fleet
  engines: Engines
}

const Query = z.strictObject({
  tail: z.coerce.number().int().min(0).max(10_000).default(100).describe('lines from the end'),
  follow: z
    .enum(['0', '1', 'false', 'true', ''])
    .default('0')
    .transform((text) => text !== '0' && text !== 'false')
    .describe('go on with new lines until the instance stops'),
  slot: z.coerce.number().int().min(0).max(99).optional().describe('the lowest unless given'),
})

/** What an app wrote to its output. Bytes as the app wrote them: a terminal needs them cleaned. */
export function logRoutes(router: Router, { catalog, fleet, engines }: LogRoutes): void {
  router.get(
    '/v1/apps/:name/logs',
    {
      schema: {
        tags: ['apps'],
        summary: 'Read the log of an instance, running or not',
        operationId: 'readLogs',
        params: NameParams,
        querystring: Query,
        response: answers({ 200: stream('text/plain', 'One line for each line of the log') }),
      },
    },
    async (request, reply) => {
      const { tail, follow, slot } = request.query
      const name = canonical(request.params.name)
      const instances = await fleet.instances('patient', name)
      const wanted = instances.filter((each) => slot === undefined || each.slot === slot)
      const readable = wanted.filter((each) => each.container !== null)
      const instance = readable.find(({ exitCode }) => exitCode === null) ?? readable[0]
      const host = catalog.state.hosts.get(instance?.host ?? '')?.value
      if (!instance?.container || !host) {
        if (!catalog.find(name) && instances.length === 0) throw new ProblemError('unknown-app')
        const hidden = wanted.find((each) => each.host !== null)?.host
        if (hidden) throw unavailable(hidden)
        throw new ProblemError('not-found', { detail: 'it has no container to read from' })
      }
      const controller = new AbortController()
      reply.raw.once('close', () => controller.abort())
      const lines = engines
        .at(host.engine)
        .logs(instance.container, { tail, follow, signal: controller.signal })
      return reply
        .type('text/plain; charset=utf-8')
        .send(Readable.from(ended(lines, host.name, controller.signal)))
    },
  )
}

async function* ended(
  lines: AsyncIterable<string>,
  host: string,
  signal: AbortSignal,
): AsyncIterable<string> {
  try {
    for await (const line of lines) yield `${line}\n`
  } catch (cause) {
    if (signal.aborted) return
    throw Object.assign(unavailable(host), { cause })
  }
}

function unavailable(host: string): ProblemError {
  return new ProblemError('unavailable', { detail: `the engine of ${host} does not answer` })
}
