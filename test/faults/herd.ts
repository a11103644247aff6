import { spawnSync } from 'node:child_process'
import { connect, type Socket } from 'node:net'
import { readApp, type Shot } from './load.ts'

/**
 * Clients that are connected already and all ask at once: one write each, with all else made before and ahead of whatever
 * else this machine does, so that even a busy one sends a thousand requests within a moment. Resolves with every request
 * when the last one has ended; the server ends the connections.
 */
export async function herd(
  origins: readonly string[],
  app: string,
  count: number,
): Promise<{ shots: Shot[]; done: Promise<Shot[]> }> {
  const clients = await Promise.all(
    Array.from({ length: count }, (_, id) => open(origins[id % origins.length] as string)),
  )
  const flights = clients.map(({ socket, origin }, id) => {
    const shot: Shot = {
      ...{ id, app, origin, began: 0, ended: null },
      ...{ status: null, retryAfter: null, seen: null, error: null },
    }
    const { host } = new URL(origin)
    const ask = Buffer.from(`GET /${app}/ HTTP/1.1\r\nhost: ${host}\r\nconnection: close\r\n\r\n`)
    return { socket, ask, shot, read: read(socket, shot) }
  })
  schedule('--fifo', '1')
  try {
    for (const { socket, ask, shot } of flights) {
      shot.began = performance.now()
      socket.write(ask)
    }
  } finally {
    schedule('--other', '0')
  }
  const shots = flights.map(({ shot }) => shot)
  return { shots, done: Promise.all(flights.map(({ read }) => read)).then(() => shots) }
}

/** How this process gets its turns; where it may not say so it gets them as before. */
function schedule(policy: string, priority: string): void {
  spawnSync('chrt', [policy, '--pid', priority, String(process.pid)])
}

function open(origin: string): Promise<{ socket: Socket; origin: string }> {
  const { hostname, port } = new URL(origin)
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), hostname)
    socket.once('error', reject)
    socket.once('connect', () => {
      socket.off('error', reject)
      resolve({ socket, origin })
    })
  })
}

/** Does not reject: what went wrong is in the shot. */
function read(socket: Socket, shot: Shot): Promise<void> {
  return new Promise((resolve) => {
    let text = ''
    socket.setEncoding('latin1')
    socket.on('data', (part: string) => {
      text += part
    })
    socket.on('error', (error: NodeJS.ErrnoException) => {
      shot.error = error.code ?? error.message
    })
    socket.on('close', () => {
      shot.ended = performance.now()
      const status = /^HTTP\/1\.1 (\d{3}) /.exec(text)?.[1]
      if (status === undefined) shot.error ??= 'no answer'
      else shot.status = Number(status)
      shot.retryAfter = /\r\nretry-after: (\S+)\r\n/i.exec(text)?.[1] ?? null
      shot.seen = readApp(/\{.*\}/s.exec(text)?.[0] ?? '')
      if (shot.seen === null) shot.words = text.slice(-200)
      resolve()
    })
  })
}
