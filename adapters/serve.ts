import { setTimeout as pause } from 'node:timers/promises'
import closeWithGrace from 'close-with-grace'
import type { Settings } from '../model/setting.ts'
import { giveBack } from './heap.ts'
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
/** The same where one cannot be started: the others have only begun. */
const RETREAT = 1_000

/**
 * Runs services in this process until it is told to end, be it before all of them are up. Resolves once they are; an error
 * that nobody catches later ends all of them, since whose it is cannot be told.
 * @throws what the first of them says that cannot be started; those that had begun are stopped by then, as far as they let
 */
export async function serve(
  name: string,
  opens: readonly Open[],
  settings: Settings,
): Promise<void> {
  giveBack()
  const log = createLog(name, settings.logLevel)
  const running: Running[] = []
  let ending: Promise<unknown> | undefined
  const end = () => (ending ??= Promise.allSettled(running.map((service) => service.stop())))
  closeWithGrace({ delay: GRACE }, async ({ signal, err }) => {
    if (err) log.fatal({ error: err.stack }, `${name} fails`)
    else for (const service of running) service.log.info({ signal }, service.farewell)
    await end()
  })
  try {
    await Promise.all(opens.map(async (open) => running.push(await open(settings))))
  } catch (error) {
    await Promise.race([end(), pause(RETREAT)])
    throw error
  }
}
