import type { AddressPolicy } from '../model/endpoint.ts'
import type { Keys } from '../model/key.ts'
import { type Entry, type Rejection, State } from '../model/state.ts'
import { gist } from './gist.ts'
import type { Memory } from './memory.ts'
import type { Surroundings } from './plan.ts'
import { Plans } from './plans.ts'
import { type Change, ShrinkGuard } from './shrink.ts'

export interface ViewOptions {
  keys: Keys
  policy: AddressPolicy
  surroundings: Surroundings
  /** TTL of registrars' leases, seconds */
  leaseTtl: number
  memory: Pick<Memory, 'recall' | 'keep' | 'stop'>
}

/** Registrars may hear of etcd's return, and write to it, later than we list, seconds. */
const NOTICE = 3

/** What a batch came to. */
export interface Taken {
  /** entries that are kept although the list lacks them */
  kept: number
  /** whether etcd went back in time: it lost its data or was restored */
  rewound: boolean
  rejected: Rejection[]
  /** whether an instance left its address: that may be anybody's from now on */
  vacated: boolean
}

/** What this gateway takes for the truth: what etcd says, less what is not to be believed at once. */
export class View {
  /** what this gateway is to do by it */
  readonly plans: Plans
  readonly #options: ViewOptions
  readonly #state: State
  readonly #guard: ShrinkGuard
  /** keys that an earlier controller knew and etcd has not told of yet */
  readonly #remembered = new Set<string>()
  #revision = '0'
  #synced = false
  /** whether it is as it was kept last */
  #isKept = false
  /** whether what is remembered is of an etcd that is no more */
  #outdated = false

  constructor(options: ViewOptions) {
    this.#options = options
    this.#state = new State(options.keys, options.policy)
    this.plans = new Plans(this.#state, options.keys, options.surroundings)
    this.#guard = new ShrinkGuard(options.keys, (options.leaseTtl + NOTICE) * 1000)
  }

  /** etcd revision up to which every change is in the plan, unless {@link isInDoubt}. */
  get revision(): string {
    return this.#revision
  }

  /** Whether etcd has said what there is. */
  get synced(): boolean {
    return this.#synced
  }

  /** Whether something is kept that etcd does not have. */
  get isInDoubt(): boolean {
    return this.#guard.holding
  }

  /** What runs, by canonical app name, then slot. */
  get endpoints(): State['endpoints'] {
    return this.#state.endpoints
  }

  /** What runs is what an earlier controller knew: a list that lacks it is judged as one that comes later. */
  async recall(): Promise<void> {
    const remembered = await this.#options.memory.recall()
    if (!remembered) return
    this.#revision = remembered.revision
    for (const { key } of remembered.entries) this.#remembered.add(key)
    const puts = remembered.entries.map((entry): Change => ({ type: 'put', entry }))
    this.#apply(this.#guard.admit(puts, Date.now()))
  }

  /** Takes a batch of the informer: all that is up to `revision`. */
  take(batch: readonly Change[], revision: string): Taken {
    const rewound = BigInt(revision) < BigInt(this.#revision)
    const whole = [...this.#missing(batch), ...batch]
    const admitted = this.#guard.admit(whole, Date.now(), rewound)
    this.#synced = true
    this.#outdated ||= rewound
    this.#revision = revision
    const kept = this.#guard.holding ? Math.max(0, whole.length - admitted.length) : 0
    const vacated = admitted.some((change) => this.#vacates(change))
    return { kept, rewound, rejected: this.#apply(admitted), vacated }
  }

  /** Gives up what was kept for long enough. Returns how many endpoints. */
  giveUp(): number {
    const due = this.#guard.due(Date.now())
    this.#apply(due)
    return due.length
  }

  /** What has no effect: bad entries, and addresses and routes that belong to somebody else. */
  rejected(): { entries: Rejection[]; lost: Rejection[] } {
    return { entries: [...this.#state.rejected.values()], lost: this.plans.lost }
  }

  /**
   * The plan runs: it is remembered over a restart. Not while a list is in doubt: the revision before is what tells a
   * later controller that etcd went back.
   */
  keep(): void {
    if (!this.#synced || this.#guard.holding || this.#isKept) return
    this.#isKept = true
    this.#outdated = false
    this.#options.memory.keep(this.#revision, () => this.#entries())
  }

  /** The plan ran already: that is remembered only if it has to be. */
  refresh(): void {
    if (this.#outdated) this.keep()
  }

  /** Resolves when all that is to be remembered is written. */
  stop(): Promise<void> {
    return this.#options.memory.stop()
  }

  /** What plans are made of. It is gone through bit by bit, so some of it may be of a later moment. */
  *#entries(): Generator<Entry> {
    const { endpoints, apps, pools, blueprints } = this.#state
    for (const { entry } of blueprints.values()) yield entry
    for (const [name, { value, entry }] of apps)
      if (value.routes.length > 0 || endpoints.has(name)) yield { ...entry, value: gist(value) }
    for (const [name, { value, entry }] of pools)
      if (value.routes.length > 0 || endpoints.has(name)) yield entry
    for (const slots of endpoints.values()) for (const { entry } of slots.values()) yield entry
  }

  #vacates(change: Change): boolean {
    const key = this.#options.keys.parse(change.type === 'put' ? change.entry.key : change.key)
    if (key?.kind !== 'endpoint') return false
    const held = this.#state.slots(key.app).get(key.slot)
    return (
      held !== undefined && (change.type === 'delete' || change.entry.value !== held.entry.value)
    )
  }

  /** The first batch is all there is: what it lacks is gone, as far as a list can say so. */
  #missing(batch: readonly Change[]): Change[] {
    for (const change of batch) if (change.type === 'put') this.#remembered.delete(change.entry.key)
    const missing = [...this.#remembered].map(
      (key): Change => ({ type: 'delete', key, seen: false }),
    )
    this.#remembered.clear()
    return missing
  }

  #apply(batch: readonly Change[]): Rejection[] {
    this.#isKept = false
    const rejected: Rejection[] = []
    for (const change of batch) {
      if (change.type === 'delete')
        this.plans.change(change.key, () => this.#state.delete(change.key))
      else {
        const { entry } = change
        const rejection = this.plans.change(entry.key, () => this.#state.put(entry))
        if (rejection) rejected.push(rejection)
      }
    }
    return rejected
  }
}
