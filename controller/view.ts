import { Directory } from '../model/directory.ts'
import type { AddressPolicy } from '../model/endpoint.ts'
import type { Keys } from '../model/key.ts'
import { type Entry, type Rejection, State } from '../model/state.ts'
import { type Award, award, ownersOf } from './award.ts'
import { contest } from './contest.ts'
import type { Memory } from './memory.ts'
import { type GatewayPlan, planGateway, type Surroundings } from './plan.ts'
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
  readonly #options: ViewOptions
  readonly #state: State
  readonly #directory: Directory
  readonly #guard: ShrinkGuard
  /** keys that an earlier controller knew and etcd has not told of yet */
  readonly #remembered = new Set<string>()
  #award: Award | null = null
  #plan: GatewayPlan | null = null
  #revision = '0'
  #synced = false
  /** whether what is remembered is of an etcd that is no more */
  #outdated = false

  constructor(options: ViewOptions) {
    this.#options = options
    this.#state = new State(options.keys, options.policy)
    this.#directory = new Directory(this.#state)
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

  /** The same object until something changes. */
  plan(): GatewayPlan {
    this.#plan ??= this.#planned()
    return this.#plan
  }

  /** What has no effect: bad entries, and addresses and routes that belong to somebody else. */
  rejected(): { entries: Rejection[]; lost: Rejection[] } {
    const addresses = contest(this.#state, this.#options.surroundings.launchers)
    const lost = [...addresses.lost, ...this.#awarded().lost]
    return { entries: [...this.#state.rejected.values()], lost }
  }

  /**
   * The plan runs: it is remembered over a restart. Not while a list is in doubt: the revision before is what tells a
   * later controller that etcd went back.
   */
  keep(): void {
    if (!this.#synced || this.#guard.holding) return
    this.#outdated = false
    const { endpoints, apps, pools, blueprints } = this.#state
    const entries: Entry[] = [...blueprints.values()].map(({ entry }) => entry)
    for (const [name, { value, entry }] of [...apps, ...pools])
      if (value.routes.length > 0 || endpoints.has(name)) entries.push(entry)
    for (const slots of endpoints.values()) {
      for (const { entry } of slots.values()) entries.push(entry)
    }
    this.#options.memory.keep({ revision: this.#revision, entries })
  }

  /** The plan ran already: that is remembered only if it has to be. */
  refresh(): void {
    if (this.#outdated) this.keep()
  }

  /** Resolves when all that is to be remembered is written. */
  stop(): Promise<void> {
    return this.#options.memory.stop()
  }

  #planned(): GatewayPlan {
    const { endpoints, launchers } = this.#state
    const { routes } = this.#awarded()
    const known = { endpoints, launchers, routes, directory: this.#directory }
    return planGateway(known, this.#options.surroundings, 0)
  }

  /** Who has which route: the same until a record changes that may say so. */
  #awarded(): Award {
    this.#award ??= award(ownersOf(this.#state, this.#directory))
    return this.#award
  }

  #vacates(change: Change): boolean {
    const key = this.#options.keys.parse(change.type === 'put' ? change.entry.key : change.key)
    if (key?.kind !== 'endpoint') return false
    const held = this.#state.slots(key.app).get(key.slot)
    return (
      held !== undefined && (change.type === 'delete' || change.entry.value !== held.entry.value)
    )
  }

  /** Instances come and go without a word on routes, but for those of a blueprint that has some. */
  #saysRoutes(key: string): boolean {
    const kind = this.#options.keys.parse(key)?.kind
    if (kind !== 'endpoint') return kind !== 'launcher'
    return [...this.#state.blueprints.values()].some(({ value }) => value.app.routes.length > 0)
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
    const rejected: Rejection[] = []
    if (batch.length > 0) this.#plan = null
    for (const change of batch) {
      if (this.#saysRoutes(change.type === 'put' ? change.entry.key : change.key))
        this.#award = null
      if (change.type === 'delete') this.#state.delete(change.key)
      else {
        const rejection = this.#state.put(change.entry)
        if (rejection) rejected.push(rejection)
      }
    }
    return rejected
  }
}
