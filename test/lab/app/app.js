// The app behind the tests: says what it got, and misbehaves when asked to. One file of plain Node, so that it runs
// in an image and as a child process.
import { createHash, randomUUID } from 'node:crypto'
import { createServer } from 'node:http'
import { hostname } from 'node:os'

const { NAME = 'app', PORT = '8000', EXIT_CODE, NEVER_LISTEN } = process.env
const startDelay = Number(process.env.START_DELAY_MS ?? 0)
const healthDelay = Number(process.env.HEALTH_DELAY_MS ?? 0)
const bootId = randomUUID()
const born = Date.now()

if (EXIT_CODE !== undefined) {
  console.error(`${NAME}: asked to exit with ${EXIT_CODE}`)
  process.exit(Number(EXIT_CODE))
}

/** Paths by their first segment; what follows it is passed as `argument`. All else is answered by `describe`. */
const routes = {
  health: (_request, response) => {
    const healthy = Date.now() - born >= healthDelay
    send(response, healthy ? 200 : 503, { healthy })
  },
  sleep: (request, response, argument) => {
    setTimeout(() => describe(request, response), Number(argument))
  },
  status: (_request, response, argument) => send(response, Number(argument), { status: argument }),
  upload: (request, response) => describe(request, response),
  /** Server-sent events: a tick each ?ms= (100), ?count= of them (endless). */
  sse: (_request, response, _argument, query) => {
    response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' })
    tick(response, query, (n) => `data: tick ${n}\n\n`)
  },
  /** A body of ?count= (10) chunks of 1 kB, one each ?ms= (100). */
  'slow-download': (_request, response, _argument, query) => {
    response.writeHead(200, { 'content-type': 'application/octet-stream' })
    if (!query.has('count')) query.set('count', '10')
    tick(response, query, () => 'x'.repeat(1024))
  },
  redirect: (_request, response, _argument, query) => {
    response.writeHead(302, { location: query.get('to') ?? '/' }).end()
  },
  cookie: (_request, response, _argument, query) => {
    response.writeHead(200, { 'set-cookie': query.getAll('set') }).end('cookie set\n')
  },
  /** Sends ?name= and ?value= as a response header past Node's checks: apps written in other languages have none. */
  header: (request, _response, _argument, query) => {
    const line = `${query.get('name')}: ${query.get('value')}`
    request.socket.end(
      Buffer.from(`HTTP/1.1 200 OK\r\n${line}\r\ncontent-length: 7\r\nconnection: close\r\n\r\nheader\n`, 'latin1'),
    )
  },
  exit: (_request, _response, argument) => {
    console.error(`${NAME}: exits with ${argument} on request`)
    process.exit(Number(argument))
  },
  /** How many requests are open, this one not counted. */
  open: (_request, response) => send(response, 200, { open: open.size - 1 }),
  /** Never answers. */
  hang: () => {},
}

const open = new Set()
const server = createServer((request, response) => {
  open.add(response)
  response.on('close', () => open.delete(response))
  const [path, search] = request.url.split('?')
  const [, segment, argument] = path.split('/')
  const route = Object.hasOwn(routes, segment) ? routes[segment] : describe
  route(request, response, argument, new URLSearchParams(search))
})
server.requestTimeout = 0
server.on('upgrade', echo)

let listening = 0
server.on('listening', () => {
  listening = Date.now()
})
if (NEVER_LISTEN === undefined) setTimeout(() => server.listen(Number(PORT)), startDelay)
else setInterval(() => {}, 60_000)

/** Ends when all open requests are answered; streams without an end get two seconds. */
process.on('SIGTERM', () => {
  server.close(() => process.exit(0))
  server.closeIdleConnections()
  setTimeout(() => process.exit(0), 2_000)
})

/** Answers with all that came, the body as its length and sha1. */
function describe(request, response) {
  const sha1 = createHash('sha1')
  let bodyBytes = 0
  request.on('data', (chunk) => {
    bodyBytes += chunk.length
    sha1.update(chunk)
  })
  request.on('end', () => {
    const { method, url, headers } = request
    const bodySha1 = sha1.digest('hex')
    const who = { app: NAME, host: hostname(), pid: process.pid, bootId, listening }
    send(response, 200, { ...who, method, url, headers, bodyBytes, bodySha1 })
  })
}

function send(response, status, body) {
  const bodyless = status === 204 || status === 304
  const text = bodyless ? '' : `${JSON.stringify(body)}\n`
  response.writeHead(status, { 'content-type': 'application/json' }).end(text)
}

function tick(response, query, piece) {
  const count = Number(query.get('count') ?? Number.POSITIVE_INFINITY)
  let sent = 0
  const timer = setInterval(
    () => {
      response.write(piece(sent++))
      if (sent >= count) response.end()
    },
    Number(query.get('ms') ?? 100),
  )
  response.on('close', () => clearInterval(timer))
}

/** WebSocket (RFC 6455) without a library: sends each frame back, unmasked, and answers close with close. */
function echo(request, socket) {
  const guid = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11'
  const accept = createHash('sha1').update(`${request.headers['sec-websocket-key']}${guid}`)
  socket.write(
    `HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: Upgrade\r\nsec-websocket-accept: ${accept.digest('base64')}\r\n\r\n`,
  )
  let buffered = Buffer.alloc(0)
  socket.on('error', () => socket.destroy())
  socket.on('data', (chunk) => {
    buffered = Buffer.concat([buffered, chunk])
    for (let frame = readFrame(buffered); frame; frame = readFrame(buffered)) {
      buffered = buffered.subarray(frame.size)
      const opcode = frame.first & 0x0f
      if (opcode === 0x9) socket.write(writeFrame(0x8a, frame.payload))
      else if (opcode !== 0xa) socket.write(writeFrame(frame.first, frame.payload))
      if (opcode === 0x8) socket.end()
    }
  })
}

/** The first whole frame of a client (always masked), or null while it is not all there. */
function readFrame(bytes) {
  if (bytes.length < 2) return null
  const short = bytes[1] & 0x7f
  const start = short === 126 ? 4 : short === 127 ? 10 : 2
  if (bytes.length < start + 4) return null
  const length =
    short === 126 ? bytes.readUInt16BE(2) : short === 127 ? Number(bytes.readBigUInt64BE(2)) : short
  const size = start + 4 + length
  if (bytes.length < size) return null
  const mask = bytes.subarray(start, start + 4)
  const payload = Buffer.from(bytes.subarray(start + 4, size).map((byte, at) => byte ^ mask[at % 4]))
  return { first: bytes[0], payload, size }
}

function writeFrame(first, payload) {
  const { length } = payload
  const head = Buffer.alloc(length < 126 ? 2 : length < 65_536 ? 4 : 10)
  head[0] = first
  head[1] = length < 126 ? length : length < 65_536 ? 126 : 127
  if (length >= 65_536) head.writeBigUInt64BE(BigInt(length), 2)
  else if (length >= 126) head.writeUInt16BE(length, 2)
  return Buffer.concat([head, payload])
}
