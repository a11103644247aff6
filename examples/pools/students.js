// An API of random students: a JSON array, another one each time. HOST and PORT: where it listens.
import { randomInt } from 'node:crypto'
import { createServer } from 'node:http'
import { hostname } from 'node:os'

const { HOST = '::', PORT = '3000' } = process.env

const FIRST = ['Ada', 'Bruno', 'Chiara', 'Dario', 'Elif', 'Finn', 'Greta', 'Hugo', 'Ines', 'Jonas']
const LAST = ['Amsler', 'Berger', 'Conti', 'Dupont', 'Egli', 'Favre', 'Gerber', 'Huber', 'Isler']
const pick = (list) => list[randomInt(list.length)]

const students = () =>
  Array.from({ length: randomInt(11) }, () => ({
    first: pick(FIRST),
    last: pick(LAST),
    born: randomInt(1998, 2008),
  }))

const server = createServer((_request, response) => {
  response.setHeader('content-type', 'application/json')
  response.setHeader('cache-control', 'no-store')
  response.setHeader('x-server', `${hostname()}:${PORT}`)
  response.end(JSON.stringify(students()))
})
server.listen(Number(PORT), HOST)
process.on('SIGTERM', () => process.exit())
