import { ProblemError } from '../../model/problem.ts'
import { codeOf, type Engine, wordsOf } from '../engine.ts'

const LINES = 10
/** characters kept of one log line */
const WIDTH = 200

/** Text of an app made fit for terminals, pages and logs: one line, no control characters, not endless. */
export function printable(line: string): string {
  return (
    line
      // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is removed
      .replace(/\u001b\[[0-9;?]*[ -/]*[@-~]/g, '')
      // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is removed
      .replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]+/g, ' ')
      .trim()
      .slice(0, WIDTH)
  )
}

/** The last lines a container wrote; none if the engine does not tell them in time. */
export async function lastLines(engine: Pick<Engine, 'logs'>, id: string): Promise<string[]> {
  const lines: string[] = []
  try {
    for await (const line of engine.logs(id, { tail: LINES, signal: AbortSignal.timeout(2_000) }))
      if (lines.push(printable(line)) >= LINES) break
  } catch {
    // a reason without its log lines is still a reason
  }
  return lines.filter((line) => line !== '')
}

/** A failed start: the reason in one line, then what the app wrote last. */
export function startFailed(app: string, reason: string, lines: string[] = []): ProblemError {
  return new ProblemError('start-failed', { app, detail: [printable(reason), ...lines].join('\n') })
}

/** A start that was given up because etcd was away: no fault of the app. */
export function etcdAway(app: string): ProblemError {
  return new ProblemError('unavailable', { app, detail: 'etcd was away', retryAfter: 2 })
}

const PLAIN: Record<string, string> = {
  'no-image': 'image not found',
  'no-network': 'the network of its group is gone',
  'no-address': 'its network has no address left',
  'no-sandbox': 'no sandbox can be had on the host',
  'port-taken': 'port already in use',
  'not-startable': 'not startable',
  'no-space': 'no space left on the host',
  denied: 'the engine denied it',
  registry: 'the registry does not answer',
}

/** Turns what a wake ran into into a problem for its clients. An engine that is away is no fault of the app. */
export function explain(app: string, error: unknown): ProblemError {
  if (error instanceof ProblemError) return error
  const code = codeOf(error)
  const words = printable(wordsOf(error))
  if (code === 'unreachable')
    return new ProblemError('unavailable', {
      app,
      detail: `the engine does not answer: ${words}`,
      retryAfter: 5,
    })
  if (code === 'aborted')
    return new ProblemError('unavailable', { app, detail: 'the launcher ends', retryAfter: 1 })
  return startFailed(app, describe(error))
}

/** An engine's refusal in one line: what it means, then its own words. */
export function describe(error: unknown): string {
  const plain = PLAIN[codeOf(error)]
  const words = printable(wordsOf(error))
  return plain ? `${plain}: ${words}` : words
}
