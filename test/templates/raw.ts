import { connect } from 'node:net'
import type { Seen } from './backend.ts'

/** The address the raw client speaks from, so that its own can be told from the gateway's. */
export const CLIENT = '127.0.0.9'

/** Sends these bytes as they are and returns all that comes back until the gateway closes or `patience` ms are over. */
export function sendRaw(port: number, bytes: string, patience = 10_000): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1', localAddress: CLIENT })
    const chunks: Buffer[] = []
    const finish = () => {
      clearTimeout(timer)
      socket.destroy()
      resolve(Buffer.concat(chunks).toString('latin1'))
    }
    const timer = setTimeout(finish, patience)
    socket.on('connect', () => socket.write(Buffer.from(bytes, 'latin1')))
    socket.on('data', (chunk) => chunks.push(chunk))
    socket.on('end', finish)
    socket.on('error', (error: NodeJS.ErrnoException) =>
      error.code === 'ECONNRESET' ? finish() : reject(error),
    )
  })
}

/** The status of a raw answer, 0 if there is none. */
export function statusOf(answer: string): number {
  return Number(/^HTTP\/1\.[01] (\d{3})/.exec(answer)?.[1] ?? 0)
}

export function bodyOf(answer: string): string {
  return answer.slice(answer.indexOf('\r\n\r\n') + 4)
}

/** What an app says in a raw answer that it saw, chunked or not. */
export function seen(answer: string): Seen {
  const body = bodyOf(answer)
  return JSON.parse(body.slice(body.indexOf('{'), body.lastIndexOf('}') + 1)) as Seen
}
