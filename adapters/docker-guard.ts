import type Docker from 'dockerode'
import { getPath, makeCall } from './docker-call.ts'
import { Line, type Pace } from './docker-line.ts'

type Dial = Docker['modem']['dial']
type Answer = (error: Error | null, result: unknown) => void

const PING = '/_ping'
const NEVER = new AbortController().signal

/** Makes every call of a client go over a {@link Line} that pings the engine at `pace`. */
export function guard(docker: Docker, pace: Pace): Line {
  const { modem } = docker
  const dial = modem.dial.bind(modem) as (options: object, answer: Answer) => void
  const bare = { modem: { dial } } as unknown as Docker
  const ping = (): Promise<unknown> =>
    makeCall((signal) => getPath(bare, PING, signal), { limit: pace.limit })
  const line = new Line(ping, pace)
  const guarded = (options: Parameters<Dial>[0], answer: Answer): void => {
    const { path, isStream = false, abortSignal } = options
    const call = (signal: AbortSignal): Promise<unknown> =>
      new Promise((resolve, reject) => {
        dial({ ...options, abortSignal: signal }, (error, result) =>
          error ? reject(error) : resolve(result),
        )
      })
    // a wait is no stream, but has its answer when the container ends
    const isLong = isStream || /^\/containers\/[^/]+\/wait\b/.test(path)
    const signal = abortSignal ?? NEVER
    const made = path.startsWith(PING) ? line.hear(signal) : line.run(call, { isLong, signal })
    made.then(
      (result) => answer(null, result),
      (error: Error) => answer(error, null),
    )
  }
  modem.dial = guarded as Dial
  return line
}
