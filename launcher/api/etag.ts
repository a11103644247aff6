import type { FastifyRequest } from 'fastify'
import { z } from 'zod'
import { canonical } from '../../model/name.ts'
import { ProblemError } from '../../model/problem.ts'

/** `If-Match: "<revision>"` makes a write conditional. */
export const ETag = z.looseObject({
  'if-match': z
    .string()
    .regex(/^"[0-9]{1,19}"$/, 'must be one ETag, as an answer had it')
    .optional()
    .describe('write only if the record is still at this ETag'),
})

/** The revision a write is conditional on. */
export function expected(headers: z.output<typeof ETag>): string | undefined {
  return headers['if-match']?.slice(1, -1)
}

/**
 * Makes a hook that gives a body without a name the one of the path, as it is stored, so that a record need not say
 * its name twice. A body with another name is refused.
 */
export function nameFromPath(stored: (name: string) => string | undefined) {
  return async (request: FastifyRequest): Promise<void> => {
    const { body } = request
    const path = (request.params as { name: string }).name
    if (typeof body !== 'object' || body === null || Array.isArray(body)) return
    if (!('name' in body)) request.body = { ...body, name: stored(path) ?? path }
    else if (typeof body.name === 'string' && canonical(body.name) !== canonical(path))
      throw new ProblemError('invalid-input', {
        errors: [{ path: 'name', message: 'is not the name in the path' }],
      })
  }
}
