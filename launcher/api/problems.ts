import type { Socket } from 'node:net'
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { z } from 'zod'
import { type Problem, type ProblemCode, ProblemError, problem } from '../../model/problem.ts'
import type { Log } from './options.ts'

export const PROBLEM_TYPE = 'application/problem+json'

type Complaint = NonNullable<Problem['errors']>[number]

/** What is wrong with an input, field by field. */
export function complaints(error: z.core.$ZodError): Complaint[] {
  return error.issues.flatMap((issue) => explain(issue, [])).slice(0, 50)
}

function explain(issue: z.core.$ZodIssue, above: PropertyKey[]): Complaint[] {
  const path = [...above, ...issue.path]
  if (issue.code === 'unrecognized_keys')
    return issue.keys.map((key) => ({ path: write([...path, key]), message: 'is not a field' }))
  if (issue.code === 'invalid_union') {
    // A branch that expected another type says nothing useful; the one that took the value and found fault does.
    const branch = issue.errors.find((nested) =>
      nested.every((inner) => inner.code !== 'invalid_type' || inner.path.length > 0),
    )
    if (branch) return branch.flatMap((nested) => explain(nested, path))
  }
  return [{ path: write(path), message: printable(issue.message) }]
}

function write(path: PropertyKey[]): string {
  return printable(path.map(String).join('.')).slice(0, 200)
}

/** Keys are whatever somebody sent; no control or format characters come back. */
function printable(text: string): string {
  return text.replace(/\p{C}/gu, '?')
}

const BY_STATUS: Record<number, ProblemCode> = {
  404: 'not-found',
  413: 'too-large',
  414: 'too-large',
  415: 'not-json',
  431: 'too-large',
}

/** The problem to show for whatever was thrown. Errors nobody foresaw say nothing about us. */
function problemOf(error: FastifyError | Error): Problem {
  if (error instanceof ProblemError) return error.problem
  const status = 'statusCode' in error ? (error.statusCode ?? 500) : 500
  if (status < 400 || status >= 500) return problem('internal')
  const code = BY_STATUS[status] ?? 'invalid-input'
  // fastify's own refusals: of the body (not JSON, empty), of the URL
  if (code !== 'invalid-input') return problem(code)
  return problem(code, { detail: 'the request cannot be read: bad URL or body, or no JSON' })
}

/** Answers with a problem, in the one shape. */
export async function sendProblem(reply: FastifyReply, shown: Problem): Promise<void> {
  if (shown.status === 401) reply.header('www-authenticate', 'Bearer realm="reveille"')
  if (shown.retryAfter !== undefined) reply.header('retry-after', shown.retryAfter)
  await reply.code(shown.status).type(PROBLEM_TYPE).serializer(JSON.stringify).send(shown)
}

/** Turns every error of this server, fastify's own included, into a problem. */
export function answerProblems(app: FastifyInstance, log: Log): void {
  app.setNotFoundHandler(async (_request, reply) => {
    await sendProblem(reply, problem('not-found'))
    return reply
  })
  app.setErrorHandler(async (error: Error, request, reply) => {
    const shown = problemOf(error)
    if (shown.status >= 500) tell(log, error, request, shown)
    await sendProblem(reply, shown)
    return reply
  })
}

function tell(log: Log, error: Error, request: FastifyRequest, shown: Problem): void {
  const route = `${request.method} ${request.routeOptions.url ?? ''}`
  const cause = error.cause instanceof Error ? error.cause.message : undefined
  const fields = { route, status: shown.status, cause }
  if (error instanceof ProblemError) log.warn(fields, error.message)
  else log.error({ ...fields, err: error }, 'a request failed here')
}

/** Answers what is no HTTP request, or one with headers too large, where fastify has no reply yet. */
export function refuseConnection(error: { code?: string }, socket: Socket): void {
  if (!socket.writable || error.code === 'ECONNRESET') {
    socket.destroy()
    return
  }
  const shown = problem(error.code === 'HPE_HEADER_OVERFLOW' ? 'too-large' : 'invalid-input')
  const status = shown.status === 413 ? '431 Request Header Fields Too Large' : '400 Bad Request'
  const body = JSON.stringify({ ...shown, status: Number.parseInt(status, 10) })
  socket.end(
    `HTTP/1.1 ${status}\r\nContent-Type: ${PROBLEM_TYPE}\r\nContent-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`,
  )
}
