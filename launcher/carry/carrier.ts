import {
  type ClientRequest,
  type IncomingMessage,
  type ServerResponse,
  request as send,
} from 'node:http'
import { connect, type Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { type Endpoint, formatEndpoint } from '../../model/endpoint.ts'
import { limitHints } from '../../model/hint.ts'
import { pinCookie } from '../../model/pin.ts'
import type { Decision, Door } from '../gate/door.ts'
import type { Pages } from '../gate/page.ts'
import { back, forward, type Parcel, readParcel } from './parcel.ts'

export interface CarrierOptions {
  door: Pick<Door, 'ask'>
  pages: Pages
}

/** It answered a probe a moment ago: a slow connect means that a crowd was waiting for it, milliseconds. */
const CONNECT = 15_000
/** Instances that are tried for one request. */
const TRIES = 3
/** Of an answer's head, bytes. */
const HEAD = 64 * 1024

/** What is done with the app's connection when it takes up another protocol. */
export type Switch = (answer: IncomingMessage, socket: Duplex, head: Buffer) => void

/**
 * Carries requests of gateways that cannot hold one: each waits at the door until its app is ready, then goes to the
 * app over a connection of its own. Nothing of it is sent before that connection stands, so any request can be tried
 * at the next instance. Bodies stream both ways; what the app says comes back as it said it.
 */
export class Carrier {
  readonly #options: CarrierOptions

  constructor(options: CarrierOptions) {
    this.#options = options
  }

  /** Answers one request. `onSwitch`: for one that asks to upgrade. Does not reject. */
  carry(request: IncomingMessage, response: ServerResponse, onSwitch?: Switch): Promise<void> {
    // Date is the app's to say.
    response.sendDate = false
    return this.#carry(request, response, onSwitch).catch(() => gone(response))
  }

  async #carry(
    request: IncomingMessage,
    response: ServerResponse,
    onSwitch?: Switch,
  ): Promise<void> {
    const parcel = readParcel(request)
    let dead = ''
    for (let tries = 0; tries < TRIES; tries++) {
      const decision = await this.#options.door.ask({ ...parcel.ask, dead }, response)
      if (response.closed) return
      if (decision.is !== 'upstream') return this.#refuse(request, response, decision)
      const pin =
        decision.pin === null ? [] : ['Set-Cookie', pinCookie(decision.pin, parcel.prefix)]
      if (parcel.isBare) return redirect(parcel, response, pin)
      const socket = await dial(decision.endpoint, response)
      if (response.closed) return void socket?.destroy()
      if (socket) return exchange(socket, request, response, pin, onSwitch)
      dead = formatEndpoint(decision.endpoint)
    }
    gone(response)
  }

  #refuse(
    request: IncomingMessage,
    response: ServerResponse,
    decision: Exclude<Decision, { is: 'upstream' }>,
  ): void {
    if (decision.is === 'page') {
      const { status, headers, body } = this.#options.pages.render(decision.order)
      response.writeHead(status, headers).end(request.method === 'HEAD' ? '' : body)
    } else if (decision.is === 'awake') {
      response
        .writeHead(302, { location: '/', 'cache-control': 'no-store', 'content-length': 0 })
        .end()
    } else if (decision.is === 'unknown') {
      // The gateway has this page itself.
      response.writeHead(404, { 'x-reveille-page': '404', 'content-length': 0 }).end()
    } else {
      // Nothing was done with it: another launcher may.
      response.writeHead(425, { 'x-reveille-page': '503', 'content-length': 0 }).end()
    }
  }
}

/** "/shop" of an app that is there: its relative links need the slash. */
function redirect({ prefix, ask }: Parcel, response: ServerResponse, pin: string[]): void {
  const query = ask.uri.slice(prefix.length)
  response.writeHead(308, ['Location', `${prefix}/${query}`, 'Content-Length', '0', ...pin]).end()
}

/** A connection to the app; null if there is none, or the client leaves before. */
function dial({ host, port }: Endpoint, client: ServerResponse): Promise<Socket | null> {
  return new Promise((resolve) => {
    const socket = connect({ host, port, noDelay: true, keepAlive: true })
    const fail = (): void => {
      socket.destroy()
      settle(null)
    }
    const timer = setTimeout(fail, CONNECT)
    const settle = (result: Socket | null): void => {
      clearTimeout(timer)
      client.off('close', fail)
      socket.off('error', fail)
      resolve(result)
    }
    client.on('close', fail)
    socket.on('error', fail)
    socket.once('connect', () => settle(socket))
  })
}

function exchange(
  socket: Socket,
  request: IncomingMessage,
  response: ServerResponse,
  pin: string[],
  onSwitch?: Switch,
): void {
  let upstream: ClientRequest
  try {
    upstream = send({
      createConnection: () => socket,
      method: request.method,
      path: request.url,
      headers: forward(request),
      setHost: false,
      maxHeaderSize: HEAD,
    })
  } catch {
    socket.destroy()
    return gone(response)
  }
  // Once: who does not read what is written without being asked for would fill this process.
  upstream.once('continue', () => response.writeContinue())
  limitHints(upstream)
  upstream.on('error', () => gone(response))
  upstream.on('close', () => {
    // An answer that came before the upload had ended: the rest of it is nobody's.
    request.unpipe(upstream)
    request.resume()
  })
  upstream.on('response', (answer) => {
    try {
      response.writeHead(answer.statusCode ?? 502, answer.statusMessage, [...back(answer), ...pin])
    } catch {
      upstream.destroy()
      return gone(response)
    }
    answer.on('error', () => response.destroy())
    answer.pipe(response)
  })
  upstream.on('upgrade', (answer, peer, head) => {
    if (onSwitch) return onSwitch(answer, peer, head)
    peer.destroy()
    gone(response)
  })
  response.on('close', () => {
    if (!response.writableFinished) upstream.destroy()
  })
  // One that upgrades has no body, and what follows it is no part of it.
  if (onSwitch) upstream.end()
  else request.pipe(upstream)
}

/** The app ended before it had answered, or in the middle of its answer: then that is all there is. */
function gone(response: ServerResponse): void {
  if (response.headersSent) return void response.destroy()
  response.writeHead(502, { 'x-reveille-page': '502', 'content-length': 0 }).end()
}
