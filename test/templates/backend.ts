import { createHash } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { WebSocketServer } from 'ws'
import { freePort } from '../lab/port.ts'

/** What an app saw of a request. */
export interface Seen {
  app: string
  method: string
  url: string
  headers: Record<string, string | string[] | undefined>
  bytes: number
  sha1: string
}

export interface Backend {
  /** host:port */
  readonly address: string
  /** requests that arrived, whatever became of them */
  readonly count: number
  /** connections that are open now */
  readonly connections: number
  /** headers the next answers carry besides their own, raw: name and value in turn */
  extra: string[]
  /** Ends it: connections are cut, the port refuses. */
  stop(): Promise<void>
}

/**
 * A real app: echoes what it saw; `/status/N` answers N, `/sse` streams an event every 100 ms, `/slow/MS` waits,
 * `/break` cuts the connection in the middle of an answer, `/redirect?to=` redirects; WebSockets echo.
 */
export async function startBackend(app: string, port?: number): Promise<Backend> {
  const at = port ?? (await freePort())
  let count = 0
  const open = new Set<Socket>()
  const server = createServer((request, response) => {
    count++
    const sha1 = createHash('sha1')
    let bytes = 0
    request.on('data', (chunk: Buffer) => {
      bytes += chunk.length
      sha1.update(chunk)
    })
    request.on('end', () => {
      const { method = '', url = '' } = request
      const seen: Seen = {
        app,
        method,
        url,
        headers: headersOf(request),
        bytes,
        sha1: sha1.digest('hex'),
      }
      answer(seen, response, backend.extra)
    })
  })
  const sockets = new WebSocketServer({ server })
  sockets.on('connection', (socket, request) => {
    count++
    socket.send(JSON.stringify({ app, url: request.url, headers: headersOf(request) }))
    socket.on('message', (data) => socket.send(data.toString()))
  })
  server.on('connection', (socket) => {
    open.add(socket)
    socket.on('close', () => open.delete(socket))
  })
  server.listen(at, '127.0.0.1', 4096)
  await new Promise<void>((resolve) => server.once('listening', resolve))
  const backend: Backend = {
    address: `127.0.0.1:${at}`,
    get count() {
      return count
    },
    get connections() {
      return open.size
    },
    extra: [],
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        for (const socket of open) socket.destroy()
      }),
  }
  return backend
}

function headersOf(request: IncomingMessage): Seen['headers'] {
  return { ...request.headersDistinct, ...request.headers }
}

function answer(seen: Seen, response: ServerResponse, extra: string[]): void {
  const [, verb = '', argument = ''] = /^\/(\w+)\/?([^?]*)/.exec(seen.url) ?? []
  const body = Buffer.from(`${JSON.stringify(seen)}\n`)
  const send = (status: number) => {
    for (let i = 0; i < extra.length; i += 2)
      response.appendHeader(extra[i] as string, extra[i + 1] as string)
    response.setHeader('content-type', 'application/json')
    if (!response.hasHeader('content-length')) response.setHeader('content-length', body.length)
    response.writeHead(status).end(seen.method === 'HEAD' ? undefined : body)
  }
  if (verb === 'status') return send(Number(argument))
  if (verb === 'slow') return void setTimeout(() => send(200), Number(argument))
  if (verb === 'break') {
    response.writeHead(200, { 'content-length': '100000' })
    response.write('x'.repeat(1000))
    return void setTimeout(() => response.destroy(), 50)
  }
  if (verb === 'drop') return void response.destroy()
  if (verb === 'redirect') {
    const to = new URL(seen.url, 'http://app').searchParams.get('to') ?? ''
    response.setHeader('location', to)
    return send(302)
  }
  if (verb === 'sse') {
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    let n = 0
    const timer = setInterval(() => {
      response.write(`data: ${n}\n\n`)
      if (++n === 5) {
        clearInterval(timer)
        response.end()
      }
    }, 100)
    response.on('close', () => clearInterval(timer))
    return
  }
  send(200)
}
