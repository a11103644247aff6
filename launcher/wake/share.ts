import type { Host } from '../../model/record.ts'

/**
 * Our part of as many as the host has CPUs: a start is work for them, and more at once only make all of them late and
 * overtake each other. One CPU has time for a second one while the first waits for its disk. Each launcher starts one at
 * least, and apps are spread over all of them (docs/decisions/0014).
 */
export function startsAtOnce(
  { cpus }: Pick<Host, 'cpus'>,
  most: number,
  launchers: number,
): number {
  const all = cpus > 0 ? Math.min(most, Math.max(2, Math.ceil(cpus))) : most
  return Math.ceil(all / Math.max(1, launchers))
}
