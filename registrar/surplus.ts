import type { Cluster } from './cluster.ts'
import type { Member } from './roster.ts'

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
