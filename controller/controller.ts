import { Directory } from '../model/directory.ts'
import type { AddressPolicy } from '../model/endpoint.ts'
import type { Keys } from '../model/key.ts'
import { type Rejection, State } from '../model/state.ts'
import { Apply, type ApplyOptions } from './apply.ts'
import { contest } from './contest.ts'
import { Naming } from './naming.ts'
import { type Outcome, Pace } from './pace.ts'
import { countEndpoints, type GatewayPlan, planGateway, type Surroundings } from './plan.ts'
import { compile, type Template } from './render.ts'
import { type Change, ShrinkGuard } from './shrink.ts'
import { Status, type StatusOptions } from './status.ts'

export interface ControllerOptions extends ApplyOptions, Omit<StatusOptions, 'listen'> {
  keys: Keys
  policy: AddressPolicy
  surroundings: Surroundings
  /** TTL of registrars' leases, seconds */
  leaseTtl: number
  /** the template's text; read anew before each run */
  template(): Promise<string>
}

/** How many apps of blueprints are remembered: as many as may run behind one gateway. */
const KEPT = 20_000

/** Keeps the proxy's configuration what etcd says it should be. */
export class Controller {
  readonly #options: ControllerOptions
  readonly #state: State
  readonly #directory: Directory
  readonly #guard: ShrinkGuard
  readonly #apply: Apply
  readonly #pace: Pace
  readonly #naming = new Naming()
  readonly #status: Status
  #tick: NodeJS.Timeout | undefined
  #synced = false
  #template = ''
  #revision = '0'
  #changedAt: number | null = null
  /** the plan that runs, as text */
  #live = ''
  #busy = false

  constructor(options: ControllerOptions) {
    this.#options = options
    this.#state = new State(options.keys, options.policy)
    this.#directory = new Directory(this.#state, KEPT)
    this.#guard = new ShrinkGuard(options.keys, options.leaseTtl * 1000)
    this.#apply = new Apply(options)
    this.#status = new Status({ ...options, listen: options.surroundings.listen })
    this.#pace = new Pace(() => this.#run())
  }

  /** What runs, and why not more. */
  get status(): Readonly<Pick<Status, 'failure' | 'applied'>> {
    return this.#status
  }

  get generation(): number {
    return this.#apply.generation
  }

  /** Whether the app has a route in the last plan. */
  routes(app: string): boolean {
    return this.#state.endpoints.has(app)
  }

  /**
   * Takes over a running proxy as it is, or gives a new one a configuration to start with: a gateway that knows
   * nobody yet answers better than none.
   */
  async start(): Promise<void> {
    if (!(await this.#apply.start()) && (await this.#run()) === 'failed') this.#pace.trigger()
    this.#tick = setInterval(() => void this.#look(), 1000)
  }

  async stop(): Promise<void> {
    clearInterval(this.#tick)
    await this.#pace.stop()
  }

  /** Takes a batch of the informer: all that is up to `revision`. */
  change(batch: readonly Change[], revision: string): void {
    this.#synced = true
    this.#changedAt ??= performance.now()
    const admitted = this.#guard.admit(batch, Date.now())
    if (this.#guard.holding && admitted.length < batch.length)
      this.#options.log.warn(
        { kept: batch.length - admitted.length },
        'most endpoints are missing from etcd at once: their routes stay for one TTL',
      )
    this.#take(admitted)
    this.#revision = revision
    if (this.#busy || !this.#isLive()) this.#pace.trigger()
  }

  /**
   * Whether what runs is what etcd says. Then that is told at once, without waiting for a turn: registrars that drain
   * an instance wait for it.
   */
  #isLive(): boolean {
    const plan = this.#plan()
    if (this.#status.failure !== null || JSON.stringify(plan) !== this.#live) return false
    if (!this.#guard.holding) this.#status.applied = this.#revision
    this.#status.report({ result: 'unchanged', generation: this.#apply.generation })
    this.#changedAt = null
    this.#publish()
    return true
  }

  #plan(): GatewayPlan {
    const { endpoints, launchers } = this.#state
    const known = { endpoints, launchers, directory: this.#directory }
    return planGateway(known, this.#options.surroundings, 0)
  }

  #take(batch: readonly Change[]): void {
    for (const change of batch) {
      if (change.type === 'delete') this.#state.delete(change.key)
      else {
        const rejection = this.#state.put(change.entry)
        if (rejection) this.#name(rejection)
      }
    }
  }

  /** Nothing is told before etcd has said what there is. */
  #publish(): void {
    if (!this.#synced) return
    const { lost } = contest(this.#state, this.#options.surroundings.launchers)
    for (const rejection of lost) this.#name(rejection)
    this.#status.publish(this.#apply.generation, [...this.#state.rejected.values(), ...lost])
  }

  #name(rejection: Rejection): void {
    if (this.#naming.isNews(rejection, performance.now()))
      this.#options.log.warn(rejection, 'entry rejected')
  }

  /** Looks for what no event tells: patience that ran out, an edited template, a proxy that strayed. */
  async #look(): Promise<void> {
    const due = this.#guard.due(Date.now())
    if (due.length > 0) {
      this.#options.log.warn(
        { endpoints: due.length },
        'endpoints did not come back, routes removed',
      )
      this.#take(due)
      this.#pace.trigger()
    }
    const template = await this.#options.template().catch(() => this.#template)
    if (this.#synced && (template !== this.#template || (await this.#apply.strayed())))
      this.#pace.trigger()
  }

  async #run(): Promise<Outcome> {
    this.#busy = true
    const outcome = await this.#offer()
    this.#busy = false
    this.#isLive()
    return outcome
  }

  async #offer(): Promise<Outcome> {
    const { template, meters } = this.#options
    const revision = this.#revision
    const since = this.#changedAt ?? performance.now()
    this.#changedAt = null
    const plan = this.#plan()
    // A template that cannot be read or compiled is refused like one that renders nonsense.
    const source = await template().catch((error: Error) => error)
    if (typeof source === 'string') this.#template = source
    let render: Template | undefined
    const outcome = await this.#apply.run((generation) => {
      if (typeof source !== 'string') throw source
      render ??= compile(source)
      return render({ ...plan, generation })
    })
    if (outcome.result === 'unchanged' || outcome.result === 'live') {
      this.#live = JSON.stringify(plan)
      this.#status.endpoints = countEndpoints(plan)
      if (!this.#guard.holding) this.#status.applied = revision
    }
    if (outcome.result === 'live') meters.applySeconds.observe((performance.now() - since) / 1000)
    this.#status.report(outcome)
    this.#publish()
    if (outcome.result === 'unchanged') return 'nothing'
    return outcome.result === 'live' ? 'done' : 'failed'
  }
}
