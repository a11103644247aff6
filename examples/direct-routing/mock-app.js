// An instance of somebody's app: it says who it is, and ends by itself when nobody has asked for / for IDLE (1m, 30s, 500ms).
// It listens on PORT. /status is for health checks: it keeps nobody awake.
import { createServer } from 'node:http'
import { Server } from 'node:net'
import { hostname } from 'node:os'

const { PORT = '9000', IDLE = '1m', CONNSTR = 'nothing' } = process.env
const idle = milliseconds(IDLE)
let answered = 0
let knocked = 0
let timer
let isEnding = false

const server = createServer((request, response) => {
  knocked++
  const [path] = request.url.split('?')
  if (isEnding) response.setHeader('connection', 'close')
  const to = request.headers['x-forwarded-prefix'] || '/'
  if (path === '/status') send(response, 200, { status: 'up' })
  else if (path === '/') {
    rest()
    send(response, 200, { instance: hostname(), connected: CONNSTR, at: to, answered: ++answered })
  } else send(response, 404, { error: `${hostname()} has no ${path}` })
})
server.on('connection', () => knocked++)
server.listen(Number(PORT), () => {
  console.log(`${hostname()} listens on ${PORT}, with ${CONNSTR}; it ends after ${IDLE} without a request`)
  rest()
})

/** Begins the idle time anew. */
function rest() {
  clearTimeout(timer)
  timer = setTimeout(quiet, idle)
}

/**
 * Ends when one turn of the loop brought nobody. Who has connected and is not let in yet when the door closes is hung up on, and a
 * gateway cannot send it elsewhere unless its request is harmless: it cannot know that nobody has read it.
 */
function quiet() {
  const before = { answered, knocked }
  setImmediate(() => {
    if (answered > before.answered) return
    if (knocked > before.knocked) quiet()
    else end(`nobody came for ${IDLE}`)
  })
}

/**
 * Takes no new connections and ends with 0, which says that all is well, when those that are open have been closed by the
 * other side. The close of an HTTP server would hang up on who is about to send a request: here everybody is answered.
 */
function end(why) {
  console.log(`${hostname()} ends: ${why}`)
  isEnding = true
  Server.prototype.close.call(server, () => process.exit(0))
}
process.on('SIGTERM', () => end('asked to'))

function send(response, status, body) {
  response.writeHead(status, { 'content-type': 'application/json' }).end(`${JSON.stringify(body)}\n`)
}

function milliseconds(text) {
  const [, count, unit] = /^(\d+)(ms|s|m)$/.exec(text) ?? []
  const units = { ms: 1, s: 1000, m: 60_000 }
  if (count === undefined) throw new Error(`IDLE must be like 1m, 30s or 500ms, not ${text}`)
  return Number(count) * units[unit]
}
