import { type InstanceSpec, isMadeByHand } from '../model/label.ts'
import { DEPTHS, type Depth, parseSleep, pauses, type Step } from '../model/sleep.ts'
import type { Terms } from './cluster.ts'
import type { Instance } from './instance.ts'

/** How deep an instance sleeps by its phase: nothing lighter than that can be done to it. */
function reached({ phase }: Instance): number {
  if (phase === 'paused') return DEPTHS.indexOf('pause')
  return phase === 'stopped' ? DEPTHS.indexOf('stop') : -1
}

/**
 * What may be done to a container: a pause is told from one by hand by what the container was made for, and one that was
 * made by hand is nobody's to remove.
 */
function allowed(spec: InstanceSpec, how: Depth): Depth {
  if (how === 'pause' && !pauses(spec.sleep)) return 'stop'
  return how === 'remove' && isMadeByHand(spec) ? 'stop' : how
}

/** What is done next to an instance that nobody uses, null if it sleeps as deep as it should. Pure. */
export function nextStep(instance: Instance, { sleep, idleAfter }: Terms): Step | null {
  for (const { how, after } of parseSleep(sleep, idleAfter) ?? []) {
    const step = { how: allowed(instance.spec, how), after }
    if (DEPTHS.indexOf(step.how) > reached(instance)) return step
  }
  return null
}

/**
 * What is done to an instance that somebody wants asleep: what would be done next, and of one that is paused its end. A
 * firm request is for the slot to be another's, or none.
 */
export function requestedStep(instance: Instance, terms: Terms, isFirm: boolean): Depth {
  if (isFirm || instance.phase === 'paused') return 'stop'
  return nextStep(instance, terms)?.how === 'pause' ? 'pause' : 'stop'
}
