import type { EventEmitter } from 'node:events'
import type { App } from '../../model/app.ts'
import type { Endpoint } from '../../model/endpoint.ts'
import { PROBLEMS, type Problem, ProblemError, problem } from '../../model/problem.ts'
import type { Progress } from '../../model/progress.ts'
import type { Asker } from '../wake/wake.ts'
import type { Ask } from './request.ts'

/**
 * What a client that asked for an app is to get; `left`: nobody is there to hear it; `again`: nothing yet, but we live
 * and go on, and the gateway is to ask once more.
 */
export type Answer =
  | { is: 'upstream'; endpoint: Endpoint }
  | { is: 'problem'; problem: Problem }
  | { is: 'left' | 'again' }

/** Whoever waits: it closes when nobody does any more. */
export type Client = Pick<EventEmitter, 'on' | 'off'>

export interface WaitOptions {
  wake(app: App, asker: Asker): Promise<Endpoint>
  progress(app: string): Progress | null
  /** seconds */
  holdTimeout: number
  /** milliseconds */
  pageAfter: number
}

/** Seconds after which a waiting page's reader without JavaScript tries again. */
export const REFRESH = 2

/** Waits for the wake on behalf of one client, until it leaves, or it is time for a page, or it has waited too long. */
export function waitFor(
  app: App,
  ask: Ask,
  client: Client,
  ending: AbortSignal,
  options: WaitOptions,
): Promise<Answer> {
  const held = ask.held * 1000
  const limit = Math.max(0, options.holdTimeout * 1000 - held)
  const page = Math.max(0, options.pageAfter - held)
  const patience = ask.isPageLoad ? Math.min(page, limit) : limit
  const slice = ask.slice * 1000
  return new Promise((resolve) => {
    const settle = (answer: Answer): void => {
      clearTimeout(timer)
      client.off('close', left)
      ending.removeEventListener('abort', left)
      resolve(answer)
    }
    const left = (): void => settle({ is: 'left' })
    const timer = setTimeout(
      () => {
        if (slice < patience) return settle({ is: 'again' })
        const over = ask.isPageLoad ? waiting(app, options) : late(app, options)
        settle({ is: 'problem', problem: over })
      },
      Math.min(slice, patience),
    )
    client.on('close', left)
    ending.addEventListener('abort', left)
    const question = { name: app.name, method: ask.method, uri: ask.uri }
    options.wake(app, { question, dead: ask.dead, pin: ask.pin }).then(
      (endpoint) => settle({ is: 'upstream', endpoint }),
      (error: unknown) => settle({ is: 'problem', problem: problemOf(app, error) }),
    )
  })
}

function late(app: App, { progress, holdTimeout }: WaitOptions): Problem {
  const step = progress(app.name)
  const reason = step ? `${step.phase}${step.detail ? `: ${step.detail}` : ''}` : 'still starting'
  const detail = `not ready after ${holdTimeout} s (${reason})`
  return problem('not-ready', { app: app.name, detail, retryAfter: 5 })
}

function waiting(app: App, { progress }: WaitOptions): Problem {
  const detail = progress(app.name)?.phase ?? 'queued'
  return problem('waiting', { app: app.name, detail, retryAfter: REFRESH })
}

function problemOf(app: App, error: unknown): Problem {
  if (error instanceof ProblemError) return error.problem
  return { ...problem('internal', { app: app.name }), status: PROBLEMS.unavailable.status }
}
