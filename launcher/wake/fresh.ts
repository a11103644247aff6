import { NETWORK_LABEL } from '../../model/network.ts'
import { codeOf, type Engine } from '../engine.ts'
import type { Candidate } from '../place/place.ts'
import type { Ended } from './ready.ts'
import type { Run } from './start.ts'

/** How programs say that their port is taken. */
const IN_USE = /EADDRINUSE|address (is )?(already )?in use/i

/** Wakes that had a network made anew. */
const renewed = new WeakSet<Run>()

/**
 * Whether an app that could not have its port may have it now. What it left open at its last end can keep that for a
 * minute, if it listens without `SO_REUSEADDR`: in a network of its own it would have begun with none of it. So its sandbox is
 * stopped, once in a wake: the next start makes its network anew.
 */
export async function hasFreshNetwork(
  error: Ended,
  { container }: Candidate,
  run: Run,
  engine: Pick<Engine, 'stopSandbox'>,
): Promise<boolean> {
  if (container?.labels[NETWORK_LABEL] !== 'sandbox' || renewed.has(run)) return false
  if (error.exitCode === 0 || !IN_USE.test(error.problem.detail ?? '')) return false
  renewed.add(run)
  try {
    await engine.stopSandbox(container.id)
    return true
  } catch (refusal) {
    if (codeOf(refusal) === '') throw refusal
    return false
  }
}
