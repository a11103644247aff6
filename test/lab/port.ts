import { createServer } from 'node:net'

/** Below the range the kernel takes for outgoing connections: a part may be down for a while and find its port free again. */
const FIRST = 12_000
const LAST = 32_000
/** Workers of vitest draw from a share of these each: a port may be bound only seconds after it was given. */
const SHARES = 16
const share = Number(process.env['VITEST_POOL_ID'] ?? 0) % SHARES
const given = new Set<number>()

/** A TCP port nobody listens on, on any address of this machine; never the same twice in one process. */
export async function freePort(): Promise<number> {
  for (let attempt = 0; attempt < 100; attempt++) {
    const port = FIRST + Math.floor((Math.random() * (LAST - FIRST)) / SHARES) * SHARES + share
    if (given.has(port) || !(await isFree(port))) continue
    given.add(port)
    return port
  }
  throw new Error('no free port found')
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen(port, () => server.close(() => resolve(true)))
  })
}
