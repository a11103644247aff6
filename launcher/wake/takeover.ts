import type { Claim } from '../../model/record.ts'
import type { Held, Origin } from '../../model/state.ts'

/** A claim under no lease was put by hand, and nobody takes it away: it stands for this long, milliseconds. */
const LEASELESS = 5_000

/** Which claims of others may be replaced by ours. */
export class Takeover {
  readonly #earlier: () => string | null
  /** claims under no lease, by key: since when they are in our way */
  readonly #leaseless = new Map<string, { modRevision: string; since: number }>()

  /** @param earlier lease of the run of this launcher before this one, if it is known to be over: its claims are ours */
  constructor(earlier: () => string | null) {
    this.#earlier = earlier
  }

  /** A sleep that may be called off, what an earlier run of this launcher left behind, or a claim put by hand. */
  allows({ value, entry }: Held<Claim>): boolean {
    if (entry.lease === '0') return this.#hasStoodLong(entry) || mayBeCalledOff(value)
    return mayBeCalledOff(value) || entry.lease === this.#earlier()
  }

  #hasStoodLong({ key, modRevision }: Origin): boolean {
    const known = this.#leaseless.get(key)
    if (known?.modRevision === modRevision) return performance.now() - known.since > LEASELESS
    if (this.#leaseless.size >= 1_000) this.#leaseless.clear()
    this.#leaseless.set(key, { modRevision, since: performance.now() })
    return false
  }
}

function mayBeCalledOff(claim: Claim): boolean {
  return claim.action === 'sleep' && claim.phase !== 'stopping' && !claim.firm
}
