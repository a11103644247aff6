import { Readable } from 'node:stream'
import { setTimeout as pause } from 'node:timers/promises'
import { WebSocket } from 'ws'
import { ask } from './client.ts'

/** What somebody has open at an app, and how it ends. */
export type Visit = () => Promise<void>

/** What an app is in use by, each with an app of that name. */
export const VISITS = ['socket', 'stream', 'slow', 'upload'] as const

/** Opens a WebSocket, an event stream, an answer and an upload of so many seconds at the app of that name each. */
export async function visit(origin: string, seconds: number): Promise<Visit[]> {
  // The upload meets an app that runs already: Nginx must not keep it to itself until it is complete.
  await Promise.all(VISITS.map((name) => ask(origin, `/${name}/`)))
  const socket = new WebSocket(`${origin.replace('http', 'ws')}/socket/ws`)
  await new Promise((resolve, reject) => {
    socket.once('open', resolve)
    socket.once('error', reject)
  })
  const leave = new AbortController()
  const stream = await fetch(`${origin}/stream/sse`, { signal: leave.signal })
  const slow = ask(origin, `/slow/sleep/${seconds * 1000}`)
  const upload = ask(origin, '/upload/upload', {
    method: 'POST',
    body: Readable.from(body(seconds)),
  })
  const ended = async (answer: Promise<{ status: number }>): Promise<void> => {
    const { status } = await answer
    if (status !== 200) throw new Error(`answered with ${status}`)
  }
  return [
    async () => socket.close(),
    async () => {
      leave.abort()
      await stream.body?.cancel().catch(() => {})
    },
    () => ended(slow),
    () => ended(upload),
  ]
}

async function* body(seconds: number): AsyncGenerator<string> {
  for (let i = 0; i < seconds * 2; i += 1) {
    yield 'a little more '
    await pause(500)
  }
}
