import type { Entry } from '../model/state.ts'

/** Why nothing is written for a host whose name another machine uses. */
export function namesake(name: string): string {
  return `another machine registers as host ${name}; give one of them --id`
}

/**
 * Whether the record of our host is alive and another machine's. A record without a lease is nobody's: it would never
 * end.
 */
export function isNamesake(record: Entry | null, incarnation: string): boolean {
  return record !== null && record.lease !== '0' && incarnationOf(record.value) !== incarnation
}

function incarnationOf(text: string): unknown {
  try {
    return (JSON.parse(text) as { incarnation?: unknown } | null)?.incarnation
  } catch {
    return undefined
  }
}
