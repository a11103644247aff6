// A database in miniature: counters that outlive it, in a file of the volume at /data. It speaks lines over TCP, not
// HTTP: `INCR <name>` is answered with the new value, which is on the disk by then.
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { createInterface } from 'node:readline'

const { PORT = '5432', FILE = '/data/counters.json' } = process.env
const counters = new Map(existsSync(FILE) ? Object.entries(JSON.parse(readFileSync(FILE))) : [])

const server = createServer((socket) => {
  socket.on('error', () => {})
  createInterface({ input: socket }).on('line', (line) => {
    const [, name] = /^INCR ([a-z]{1,32})$/.exec(line) ?? []
    if (!name) return socket.end('ERR\n')
    counters.set(name, (counters.get(name) ?? 0) + 1)
    writeFileSync(`${FILE}.new`, JSON.stringify(Object.fromEntries(counters)), { flush: true })
    renameSync(`${FILE}.new`, FILE)
    socket.write(`${counters.get(name)}\n`)
  })
})
server.listen(Number(PORT), () => console.log(`counters at ${FILE}, port ${PORT}`))

process.on('SIGTERM', () => process.exit(0))
