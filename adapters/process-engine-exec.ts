import { randomBytes } from 'node:crypto'
import type { FastifyInstance } from 'fastify'
import { Recent } from '../model/recent.ts'
import type { ProcessContainer } from './process-engine-container.ts'
import { frame } from './process-engine-output.ts'
import { type ProcessEngineState, Refusal } from './process-engine-state.ts'

interface Exec {
  container: ProcessContainer
  command: string[]
  /** null until it has ended */
  exitCode: number | null
}

/** Execs are asked about shortly after they end; older ones are forgotten. */
const REMEMBERED = 200

/** POST /containers/:id/exec, POST /exec/:id/start, GET /exec/:id/json: how a command readiness check is run. */
export function execRoutes(app: FastifyInstance, state: ProcessEngineState): void {
  const execs = new Recent<string, Exec>(REMEMBERED)
  const find = (id: string): Exec => {
    const exec = execs.get(id)
    if (!exec) throw new Refusal(404, `No such exec instance: ${id}`)
    return exec
  }

  app.post<{ Params: { id: string }; Body: { Cmd?: string[] } | null }>(
    '/containers/:id/exec',
    (request, reply) => {
      const container = state.find(request.params.id)
      if (container.state !== 'running')
        throw new Refusal(409, `Container ${container.id} is not running`)
      const id = randomBytes(32).toString('hex')
      execs.set(id, { container, command: request.body?.Cmd ?? [], exitCode: null })
      return reply.code(201).send({ Id: id })
    },
  )

  app.post<{ Params: { id: string } }>('/exec/:id/start', async (request, reply) => {
    const exec = find(request.params.id)
    reply.hijack()
    reply.raw.writeHead(200, { 'content-type': 'application/vnd.docker.raw-stream' })
    reply.raw.flushHeaders()
    exec.exitCode = await exec.container.exec(exec.command, (stream, chunk) =>
      reply.raw.write(frame(stream, chunk.toString())),
    )
    reply.raw.end()
  })

  app.get<{ Params: { id: string } }>('/exec/:id/json', (request) => {
    const exec = find(request.params.id)
    return {
      ID: request.params.id,
      Running: exec.exitCode === null,
      ExitCode: exec.exitCode,
      ContainerID: exec.container.id,
    }
  })
}
