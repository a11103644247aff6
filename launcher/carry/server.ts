import {
  createServer,
  type IncomingMessage,
  type RequestListener,
  type Server,
  ServerResponse,
} from 'node:http'
import type { Duplex } from 'node:stream'
import type { Carrier } from './carrier.ts'
import { back, isParcel } from './parcel.ts'

/** How long the head of a request may take, milliseconds; gateways have it whole before they ask. */
const HEAD = 20_000

/** What a client may send before the app has taken up the other protocol, bytes. */
const EARLY = 64 * 1024

/**
 * The server of the wake port: what a gateway asks to be carried goes to `carrier`, all else to `listener`. Node's
 * parser is strict: a request whose length is said in two ways is refused here, however it came through the gateway.
 */
export function createCarryServer(listener: RequestListener, carrier: Carrier): Server {
  const carryOr =
    (other: RequestListener) => (request: IncomingMessage, response: ServerResponse) => {
      if (!isParcel(request)) other(request, response)
      else if (isFramed(request)) void carrier.carry(request, response)
      else refuse(response)
    }
  const options = {
    maxHeaderSize: 64 * 1024,
    insecureHTTPParser: false,
    // Above what gateways keep connections for: it is they who close.
    keepAliveTimeout: 75_000,
    // A body takes as long as it takes. A head comes at once; Node waits for ever unless told.
    requestTimeout: 0,
    headersTimeout: HEAD,
    noDelay: true,
  }
  const server = createServer(options, carryOr(listener))
  // The app is who says "go on".
  server.on(
    'checkContinue',
    carryOr((_request, response) => response.writeHead(417).end()),
  )
  server.on('upgrade', (request, socket, head) => switchOver(request, socket, head, carrier))
  return server
}

/** Whether it is clear where its body ends; the parser finds some of what is not clear only when it gets there. */
function isFramed({ headers }: IncomingMessage): boolean {
  const encoding = headers['transfer-encoding']
  return encoding === undefined || encoding.toLowerCase() === 'chunked'
}

function refuse(response: ServerResponse): void {
  response.writeHead(400, { 'content-length': 0, connection: 'close' }).end()
}

/** A request that asks for another protocol: it is answered like any other, until the app takes that up. */
function switchOver(
  request: IncomingMessage,
  socket: Duplex,
  head: Buffer,
  carrier: Carrier,
): void {
  socket.on('error', () => socket.destroy())
  const response = new ServerResponse(request)
  response.shouldKeepAlive = false
  response.assignSocket(socket as never)
  response.on('finish', () => socket.end())
  const { headers, method } = request
  const body = headers['content-length'] ?? headers['transfer-encoding']
  if (!isParcel(request) || method !== 'GET' || body !== undefined) return refuse(response)
  // Read while it waits, or its end would not be noticed.
  let early = head
  const onData = (part: Buffer): void => {
    early = Buffer.concat([early, part])
    if (early.length > EARLY) socket.destroy()
  }
  const onEnd = (): void => void socket.destroy()
  socket.on('data', onData).on('end', onEnd)
  void carrier.carry(request, response, (answer, peer, first) => {
    response.detachSocket(socket as never)
    socket.off('data', onData).off('end', onEnd)
    const lines = ['HTTP/1.1 101 Switching Protocols', 'Connection: upgrade']
    if (answer.headers.upgrade) lines.push(`Upgrade: ${answer.headers.upgrade}`)
    const kept = back(answer)
    for (let at = 0; at < kept.length; at += 2) lines.push(`${kept[at]}: ${kept[at + 1]}`)
    socket.write(Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1'))
    socket.write(first)
    peer.write(early)
    join(socket, peer)
  })
}

/** Two connections that live and end as one. */
function join(one: Duplex, other: Duplex): void {
  for (const [from, to] of [
    [one, other],
    [other, one],
  ] as const) {
    from.on('error', () => to.destroy())
    from.on('close', () => to.destroy())
    from.pipe(to)
  }
}
