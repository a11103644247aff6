import type { Logger } from 'pino'
import { isMadeByHand } from '../model/label.ts'
import type { Entry } from '../model/state.ts'
import type { Cluster } from './cluster.ts'
import type { Member } from './roster.ts'

export interface YieldOptions {
  engine: {
    stop(id: string, timeoutSeconds: number): Promise<void>
    remove(id: string): Promise<void>
  }
  cluster: Pick<Cluster, 'terms'>
  log: Logger
}

/**
 * Our instance is the one too many: the slot belongs to whoever holds its key. What is left of ours would be preferred
 * at some later start, though the other one was used last; one that was made by hand is nobody's to remove. Does not throw.
 */
export async function yieldSlot(
  { instance: { id, spec } }: Member,
  holder: Entry,
  { engine, cluster, log }: YieldOptions,
): Promise<void> {
  const { key } = holder
  log.warn({ key, holder: holder.value, container: id }, 'stopping our copy of an instance')
  try {
    await engine.stop(id, cluster.terms(spec).stopTimeout)
    if (!isMadeByHand(spec)) await engine.remove(id)
  } catch (error) {
    log.warn({ key, reason: (error as Error).message }, 'our copy was not stopped')
  }
}
