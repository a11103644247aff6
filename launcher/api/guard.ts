import { createHash, timingSafeEqual } from 'node:crypto'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { parseAddress } from '../../model/address.ts'
import { parseEndpoint } from '../../model/endpoint.ts'
import { ProblemError } from '../../model/problem.ts'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** answers without a token */
    open?: boolean
  }
}

export interface GuardOptions {
  /** whether a token is good; it may be anything that was sent */
  isGood(token: string): boolean | Promise<boolean>
  /** address:port the API listens on */
  listen: string
  /** further host names it answers to */
  hosts: readonly string[]
  /** a header that may have the token alone, beside `Authorization: Bearer` */
  tokenHeader?: string
}

const LOOPBACK = ['localhost', '127.0.0.1', '[::1]']
const SAFE = new Set(['GET', 'HEAD', 'OPTIONS'])
const OVERRIDES = ['x-http-method-override', 'x-http-method', 'x-method-override']

/**
 * Refuses, before a body is read: host names that are not ours (a web page that had its own name resolved to us),
 * state changes from other sites, tokens in URLs (they get logged and remembered), and whoever has no token.
 */
export function guard(app: FastifyInstance, options: GuardOptions): void {
  const isOurs = hostCheck(options)
  app.addHook('onRequest', async (request) => {
    if (!isOurs(request.headers.host)) throw new ProblemError('misdirected')
    if (!SAFE.has(request.method)) refuseOtherSites(request)
    refuseTricks(request)
    if (request.routeOptions.config.open) return
    const given = tokenOf(request, options.tokenHeader)
    if (given === undefined || !(await options.isGood(given)))
      throw new ProblemError('unauthorized')
  })
}

function tokenOf({ headers }: FastifyRequest, also = ''): string | undefined {
  const alone = headers[also]
  const text = typeof alone === 'string' ? `Bearer ${alone}` : (headers.authorization ?? '')
  return /^Bearer ([\x21-\x7e]{1,512})$/.exec(text)?.[1]
}

/** Whether a text is the token, told in a time that does not depend on it. */
export function isToken(token: string): (given: string) => boolean {
  const expected = digest(token)
  return (given) => timingSafeEqual(digest(given), expected)
}

/** Of equal length whatever was sent, so that the comparison tells nothing by its time. */
function digest(token: string): Buffer {
  return createHash('sha256').update(token).digest()
}

/** Which Host headers are ours. On a wildcard address any plain IP address is: it is no name to be resolved anew. */
function hostCheck({ listen, hosts }: GuardOptions): (header: string | undefined) => boolean {
  const address = parseEndpoint(listen)?.host ?? ''
  const own = new Set([...LOOPBACK, address, `[${address}]`, ...hosts.map((h) => h.toLowerCase())])
  const wildcard = address === '0.0.0.0' || address === '::'
  return (header) => {
    const name = /^(\[[0-9a-f:]+\]|[^:]+)(?::[0-9]{1,5})?$/.exec(header?.toLowerCase() ?? '')?.[1]
    if (name === undefined) return false
    return own.has(name) || (wildcard && parseAddress(name.replace(/^\[|\]$/g, '')) !== null)
  }
}

function refuseOtherSites({ headers }: FastifyRequest): void {
  const site = headers['sec-fetch-site']
  if (site === 'cross-site' || site === 'same-site') throw new ProblemError('forbidden')
  const { origin, host } = headers
  if (origin !== undefined && origin !== `http://${host}` && origin !== `https://${host}`)
    throw new ProblemError('forbidden')
}

function refuseTricks({ headers, query }: FastifyRequest): void {
  if (OVERRIDES.some((name) => headers[name] !== undefined))
    throw new ProblemError('invalid-input', { detail: 'the method cannot be overridden' })
  if (new Map(Object.entries(query as object)).has('token'))
    throw new ProblemError('invalid-input', { detail: 'the token belongs into a header' })
}
