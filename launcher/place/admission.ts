import type { App } from '../../model/app.ts'
import { full, isSpread } from './place.ts'
import { type Amount, needOf, type Occupancy, plus } from './room.ts'

/** One slot that wants room on a host. */
export interface Applicant {
  app: App
  slot: number
}

/**
 * Why a slot does not fit on a host beside what is promised there, and why not beside `others` too; null where it does.
 * @param occupancy what is promised on the host, as a slot sees it
 * @param limit what the host may promise
 */
export function refusals(
  { app, slot }: Applicant,
  others: readonly Applicant[],
  occupancy: (app: string, slot: number) => Occupancy,
  limit: Amount,
): { alone: string | null; beside: string | null } {
  const { promised, siblings } = occupancy(app.name, slot)
  const refusal = (beside: readonly Applicant[]): string | null => {
    const isBeside = siblings > 0 || beside.some((other) => other.app.name === app.name)
    if (isSpread(app) && isBeside) return 'has another instance of it'
    const all = beside.map((other) => needOf(other.app)).reduce(plus, promised)
    return full(needOf(app), all, limit)
  }
  return { alone: refusal([]), beside: refusal(others) }
}
