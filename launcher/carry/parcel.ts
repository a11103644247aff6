import type { IncomingMessage } from 'node:http'
import { type Ask, askOf } from '../gate/request.ts'

/** Who is named here is about one connection and not for the next one. */
const HOP_BY_HOP: ReadonlySet<string> = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'te',
  'trailer',
  'upgrade',
])
/** Node frames a request with one of these as if it had a body, unless told that there is none. */
const BODILESS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'DELETE', 'OPTIONS', 'TRACE'])

/** What a gateway asks to be carried: the request as its app is to get it, and whose it is. */
export interface Parcel {
  ask: Ask
  /** the path as clients typed it before what `request.url` begins with: `/shop` */
  prefix: string
  /** nothing came after the prefix, not even a slash: the client is to add one once the app is there */
  isBare: boolean
}

/** Whether a request is to be carried: only gateways say so, in a header they let no client send. */
export function isParcel({ headers }: IncomingMessage): boolean {
  return headers['x-reveille-carry'] !== undefined
}

/** Reads what a gateway says of a request: the app in X-Reveille-Carry, the rest as apps are told. */
export function readParcel({ headers, method = '', url = '/' }: IncomingMessage): Parcel {
  const text = (name: string): string => {
    const value = headers[name]
    return typeof value === 'string' ? value : ''
  }
  const prefix = text('x-forwarded-prefix')
  const isBare = text('x-reveille-bare') !== ''
  const words: Record<string, string> = {
    app: text('x-reveille-carry'),
    uri: prefix + (isBare ? url.slice(1) : url),
    method,
    accept: text('accept'),
    'fetch-mode': text('sec-fetch-mode'),
    upgrade: text('upgrade'),
    client: text('x-forwarded-for'),
    pin: text('x-reveille-pin'),
    prefix,
    way: text('x-reveille-way'),
    proof: text('x-reveille-proof'),
    answer: text('x-reveille-answer'),
  }
  return { ask: askOf((name) => words[name] ?? ''), prefix, isBare }
}

/** The headers of a request as the app gets them: none about this connection, none between gateway and launcher. */
export function forward(request: IncomingMessage): string[] {
  const own = endToEnd(request)
  const { headers, method = '' } = request
  if (headers.upgrade !== undefined) own.push('Connection', 'upgrade', 'Upgrade', headers.upgrade)
  else own.push('Connection', 'close')
  const isFramed = headers['content-length'] ?? headers['transfer-encoding']
  if (isFramed === undefined && !BODILESS.has(method)) own.push('Content-Length', '0')
  return own
}

/** The headers of an answer as the client gets them; how its body is framed is decided anew. */
export function back(answer: IncomingMessage): string[] {
  return endToEnd(answer, 'transfer-encoding')
}

function endToEnd({ rawHeaders, headers }: IncomingMessage, ...more: string[]): string[] {
  const named = (headers.connection ?? '').split(',').map((name) => name.trim().toLowerCase())
  const dropped = new Set([...named, ...HOP_BY_HOP, ...more])
  // Whatever a client names, how its body is framed stays said.
  if (more.length === 0)
    for (const name of ['content-length', 'transfer-encoding', 'host']) dropped.delete(name)
  const kept: string[] = []
  for (let at = 0; at + 1 < rawHeaders.length; at += 2) {
    const [name = '', value = ''] = rawHeaders.slice(at, at + 2)
    const lower = name.toLowerCase()
    if (!dropped.has(lower) && !lower.startsWith('x-reveille-')) kept.push(name, value)
  }
  return kept
}
