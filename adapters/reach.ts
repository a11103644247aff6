import { connect } from 'node:net'

/** Longer than that, an instance on our own networks does not answer, milliseconds. */
const DEADLINE = 1_000

/** Whether something accepts a TCP connection at `host`:`port`. Sends nothing; never rejects. */
export function canConnect(endpoint: { host: string; port: number }): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(endpoint)
    const done = (answer: boolean): void => {
      socket.destroy()
      resolve(answer)
    }
    socket.setTimeout(DEADLINE, () => done(false))
    socket.once('connect', () => done(true))
    socket.once('error', () => done(false))
  })
}
