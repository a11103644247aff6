import closeWithGrace from 'close-with-grace'
import type { Settings } from '../model/setting.ts'
import { createLog, type Logger } from './log.ts'

/** A service that runs in this process. */
export interface Running {
  log: Logger
  /** what its log says when the process is told to end */
  farewell: string
  /** Ends it in order. */
  stop(): Promise<void>
}

/** Starts a service. @throws a readable Error if it cannot be */
export type Open = (settings: Settings) => Promise<Running>

/** Milliseconds that ending in order may take. */
const GRACE = 5_000

/**
 * Runs services in this process until it is told to end. Resolves once all are up; an error that nobody catches later
 * ends all of them, since whose it is cannot be told.
 * @throws what the first of them says that cannot be started; the others may have begun by then
 */
export async function serve(
  name: string,
  opens: readonly Open[],
  settings: Settings,
): Promise<void> {
  const running = await Promise.all(opens.map((open) => open(settings)))
  const log = createLog(name, settings.logLevel)
  closeWithGrace({ delay: GRACE }, async ({ signal, err }) => {
    if (err) log.fatal({ error: err.stack }, `${name} fails`)
    else for (const service of running) service.log.info({ signal }, service.farewell)
    await Promise.allSettled(running.map((service) => service.stop()))
  })
}
