import type { Logger } from 'pino'
import type { Instance } from './instance.ts'
import type { Member } from './roster.ts'

/**
 * Logs the phase that an instance came to, and counts a start.
 * @param why '' if there is nothing to say
 */
export function tellPhase(
  before: Instance,
  { instance, since, changed }: Member,
  why: string,
  { log, onReady }: { log: Logger; onReady(seconds: number): void },
): void {
  const { spec, phase, id } = instance
  const container = id.slice(0, 12)
  const fields = { app: spec.app, slot: spec.slot, container, ...(why && { why }) }
  if (phase === 'ready' && before.phase === 'starting') {
    const seconds = (changed - since) / 1000
    onReady(seconds)
    log.info({ ...fields, seconds: Number(seconds.toFixed(3)) }, phase)
  } else if (phase === 'unready' || phase === 'unhealthy') log.warn(fields, phase)
  else log.info(fields, phase)
}
