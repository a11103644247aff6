import type { Logger } from 'pino'
import type { Cluster } from './cluster.ts'
import type { Member } from './roster.ts'

/** Bytes that a sandbox takes of its host while it runs: they are the engine's shim. */
const SHIM = 4.5e6
/** Where memory is no matter, or not known: half of the 1,023 ports of a bridge. */
const MOST = 500

/** How many stopped instances keep their sandbox where nobody said so. Pure. @param memory of the engine, bytes, 0 where it does not say */
export function affordable(memory: number): number {
  return memory > 0 ? Math.min(MOST, Math.floor(memory / 10 / SHIM)) : MOST
}

/**
 * The limit for {@link surplus}: as set, else by the engine's memory, told once; none while that is not known.
 * @param memory bytes, null while it is not known
 */
export function sandboxLimit(
  set: number | undefined,
  memory: () => number | null,
  log: Pick<Logger, 'info'>,
): () => number {
  let limit = set
  return () => {
    if (limit !== undefined) return limit
    const bytes = memory()
    if (bytes === null) return Number.POSITIVE_INFINITY
    limit = affordable(bytes)
    log.info({ sandboxes: limit, memory: bytes }, 'so many apps that sleep keep their sandbox')
    return limit
  }
}

/**
 * Of the stopped instances those whose sandboxes are too many on this host, the longest unused first. Slots that are kept
 * running do not sleep, and what somebody changes just now is let be. After a start of this process a use counts from when it was
 * heard of. Pure.
 * @param limit so many keep their address
 */
export function surplus(
  members: Iterable<Member>,
  cluster: Pick<Cluster, 'lastUse' | 'claim' | 'terms'>,
  limit: number,
): Member[] {
  const asleep = [...members].filter(
    ({ instance: { phase, spec }, hasSandbox }) =>
      hasSandbox && phase === 'stopped' && spec.slot >= cluster.terms(spec).min,
  )
  if (asleep.length <= limit) return []
  const use = ({ instance: { spec }, changed }: Member): number =>
    Math.max(cluster.lastUse(spec.app), changed)
  return asleep
    .filter(({ instance: { spec } }) => !cluster.claim(spec.app, spec.slot))
    .sort((one, other) => use(one) - use(other))
    .slice(0, asleep.length - limit)
}
