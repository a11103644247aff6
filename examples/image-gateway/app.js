// A small HTTP service that knows nothing of Reveille. It says its name and what it sees of a request.
import { createServer } from 'node:http'

const { NAME = 'app', PORT = '8000' } = process.env

const server = createServer((request, response) => {
  const prefix = String(request.headers['x-forwarded-prefix'] ?? '')
  response.writeHead(200, { 'content-type': 'text/plain' })
  response.end(`${NAME} was asked for ${request.url}${prefix && `, below ${prefix}`}\n`)
})
server.listen(Number(PORT))
process.on('SIGTERM', () => process.exit(0))
