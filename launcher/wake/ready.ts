import type { App } from '../../model/app.ts'
import { isDozing } from '../../model/container.ts'
import type { Endpoint } from '../../model/endpoint.ts'
import { ProblemError } from '../../model/problem.ts'
import type { Progress } from '../../model/progress.ts'
import type { Catalog } from '../catalog.ts'
import type { Engine } from '../engine.ts'
import { lastLines, startFailed } from './failure.ts'
import { Taken } from './fault.ts'

/** How often a starting container is looked at, milliseconds: a HEALTHCHECK tells nobody that it failed. */
const LOOK = 500

/** A container that was started and whose Endpoint is waited for. */
export interface Starting {
  app: App
  slot: number
  engine: Engine
  id: string
  report(step: Omit<Progress, 'app'>): void
}

/** The instance did not get ready although it runs: it must be stopped. */
export class Stuck extends ProblemError {}

/** The container ended before its Endpoint was there. */
export class Ended extends ProblemError {
  readonly exitCode: number

  constructor(app: string, exitCode: number, lines: string[]) {
    const { problem } = startFailed(app, `exited with code ${exitCode}`, lines)
    super('start-failed', { app, ...(problem.detail !== undefined && { detail: problem.detail }) })
    this.exitCode = exitCode
  }
}

/**
 * Waits until the Endpoint of a started container is there. Throws ProblemError as soon as it is clear that it will
 * not be: `start-failed` when the container exits or is removed, `not-ready` after the app's startTimeout. Throws Taken if
 * it falls asleep: that was about to happen when it was found running.
 */
export async function waitReady(
  starting: Starting,
  catalog: Catalog,
  signal: AbortSignal,
): Promise<Endpoint> {
  const { app, slot, engine, id } = starting
  const over = new AbortController()
  const end = (): void => over.abort(signal.reason)
  signal.addEventListener('abort', end)
  const ready = catalog.when(app.name, () => catalog.endpoint(app.name, slot), over.signal)
  const failed = Promise.race([
    exit(app, engine, id, over.signal),
    gone(starting, over.signal),
    late(app, over.signal),
  ])
  try {
    return await Promise.race([ready, failed])
  } finally {
    signal.removeEventListener('abort', end)
    // The losers of the race end here; what they throw then is of no interest.
    ready.catch(() => {})
    failed.catch(() => {})
    // Hanging up on the engine has time until those who wait are answered.
    setImmediate(end)
  }
}

async function exit(app: App, engine: Engine, id: string, signal: AbortSignal): Promise<never> {
  let code: number
  try {
    code = await engine.wait(id, signal)
  } catch {
    // The engine does not tell; the looks and the time limit are still there.
    return await never()
  }
  throw new Ended(app.name, code, await lastLines(engine, id))
}

/** Looks at the container. A HEALTHCHECK that fails is only told: a slow start may outlast its retries. */
async function gone({ app, engine, id, report }: Starting, signal: AbortSignal): Promise<never> {
  const asked = app.health.type === 'auto' || app.health.type === 'image'
  let told = false
  for (;;) {
    await passed(LOOK, signal)
    if (signal.aborted) return await never()
    const container = await engine.inspect(id).catch(() => undefined)
    if (signal.aborted || container === undefined) continue
    if (container === null) throw startFailed(app.name, 'the container was removed')
    if (isDozing(container)) throw new Taken('it fell asleep as it was found')
    if (container.state === 'exited' || container.state === 'dead')
      throw new Ended(app.name, container.exitCode, await lastLines(engine, id))
    const fails = asked && container.health === 'unhealthy'
    if (fails && !told) report({ phase: 'waiting', detail: 'its HEALTHCHECK fails so far' })
    told = fails
  }
}

async function late(app: App, signal: AbortSignal): Promise<never> {
  await passed(app.startTimeout * 1000, signal)
  if (signal.aborted) return await never()
  const what = 'path' in app.health ? `answer ${app.health.path}` : 'get ready'
  throw new Stuck('not-ready', {
    app: app.name,
    detail: `it runs but did not ${what} on port ${app.port} within ${app.startTimeout} s`,
  })
}

/** Resolves after `ms`, or at once when the signal says so. */
function passed(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = (): void => {
      clearTimeout(timer)
      signal.removeEventListener('abort', end)
      resolve()
    }
    const timer = setTimeout(end, ms)
    signal.addEventListener('abort', end)
    if (signal.aborted) end()
  })
}

const never = (): Promise<never> => new Promise(() => {})
