import type Docker from 'dockerode'
import { getPath, makeCall } from './docker-call.ts'
import { Line, type Pace } from './docker-line.ts'

type Dial = Docker['modem']['dial']
type Answer = (error: Error | null, result: unknown) => void

const NEVER = new AbortController().signal

/** Makes every call of a client go over a {@link Line} that pings the engine at `pace`. */
export function guard(docker: Docker, pace: Pace): Line {
  const { modem } = docker
  const dial = modem.dial.bind(modem) as (options: object, answer: Answer) => void
  const bare = { modem: { dial } } as unknown as Docker
  const ping = (): Promise<unknown> =>
    makeCall((signal) => getPath(bare, '/_ping', signal), { limit: pace.limit })
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
    line.run(call, { isLong, signal: abortSignal ?? NEVER }).then(
      (result) => answer(null, result),
      (error: Error) => answer(error, null),
    )
  }
  modem.dial = guarded as Dial
  return line
}
