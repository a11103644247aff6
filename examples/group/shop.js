// A shop that counts its visits in its database. DB is where that is: the name of an app of its group, and a port.
import { createServer } from 'node:http'
import { connect } from 'node:net'

const { PORT = '8000', DB = 'shop-db:5432' } = process.env
const [host, port] = DB.split(':')

/** One question on a connection of its own: an open one would keep the database in use. */
function ask(line) {
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), host, () => socket.write(`${line}\n`))
    socket.setTimeout(5000, () => socket.destroy(new Error(`${DB} does not answer`)))
    socket.on('error', reject)
    socket.once('data', (data) => {
      socket.end()
      resolve(String(data).trim())
    })
  })
}

const server = createServer((request, response) => {
  if (request.url !== '/') return response.writeHead(404).end()
  ask('INCR visits').then(
    (visits) => response.end(`visit ${visits}\n`),
    (error) => response.writeHead(502).end(`${error.message}\n`),
  )
})
server.listen(Number(PORT))

process.on('SIGTERM', () => process.exit(0))
