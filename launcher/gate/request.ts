import type { IncomingHttpHeaders } from 'node:http'
import { PIN } from '../../model/pin.ts'
import { clientOf } from '../client.ts'
import { type Came, wayOf } from './way.ts'

/** A client's request as a gateway tells the launcher about it. */
export interface Ask extends Came {
  /** the name as typed, or the one that a route leads to */
  app: string
  uri: string
  method: string
  /** whom the client's address stands for, '' if the gateway does not tell */
  client: string
  /** host:port of a route that was just found dead, '' if none */
  dead: string
  /** what the client's cookie says of the instance it stays with, '' if nothing that can be an id */
  pin: string
  /** seconds after which the gateway wants to hear that the question is still held; Infinity if it does not */
  slice: number
  /** seconds it was held already, by this launcher or others */
  held: number
  /** a browser shows what it gets as a page, so the waiting page fits */
  isPageLoad: boolean
  wantsHtml: boolean
}

/** Reads the X-Reveille-* headers of a wake request; what is missing is ''. */
export function readAsk(headers: IncomingHttpHeaders): Ask {
  return askOf((name) => {
    const value = headers[`x-reveille-${name}`]
    return typeof value === 'string' ? value : ''
  })
}

/** @param text what is told under a name of the wake protocol, '' if nothing is */
export function askOf(text: (name: string) => string): Ask {
  const method = text('method')
  const wantsHtml = acceptsHtml(text('accept'))
  const slice = readSlice(text('slice'))
  const mode = text('fetch-mode').toLowerCase()
  return {
    ...wayOf(text),
    app: text('app'),
    uri: text('uri'),
    client: clientOf(text('client')),
    method,
    // Where several were tried, the last one counts: "10.9.0.1:80, 10.9.0.2:80".
    dead:
      text('dead')
        .split(/[\s,]+/)
        .at(-1) ?? '',
    pin: PIN.test(text('pin')) ? text('pin') : '',
    slice,
    // A dot for each time it was held for a slice: no clock of the gateway is compared with ours.
    held: slice === Number.POSITIVE_INFINITY ? 0 : slice * text('round').length,
    isPageLoad:
      method === 'GET' &&
      wantsHtml &&
      (mode === '' || mode === 'navigate') &&
      text('upgrade') === '',
    wantsHtml,
  }
}

function readSlice(text: string): number {
  return /^[1-9][0-9]{0,3}$/.test(text) ? Number(text) : Number.POSITIVE_INFINITY
}

/** Whether an Accept header names HTML itself: a wildcard is what every program sends. */
export function acceptsHtml(accept: string): boolean {
  return accept.split(',').some((part) => {
    const [type = '', ...parameters] = part.split(';').map((text) => text.trim().toLowerCase())
    if (type !== 'text/html' && type !== 'application/xhtml+xml') return false
    return !parameters.some((parameter) => /^q=0(?:\.0{0,3})?$/.test(parameter))
  })
}
