import type { AddressPolicy } from '../model/endpoint.ts'
import type { Keys } from '../model/key.ts'
import { type Rejection, State } from '../model/state.ts'
import { type Applied, Apply, type ApplyOptions } from './apply.ts'
import { type Outcome, Pace } from './pace.ts'
import { countEndpoints, planGateway, type Surroundings } from './plan.ts'
import type { GatewayRecord } from './record.ts'
import { listed } from './record.ts'
import { compile, type Template } from './render.ts'
import { type Change, ShrinkGuard } from './shrink.ts'

export interface ControllerLog {
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
}

export interface ControllerMeters {
  reloads: { inc(labels: { result: string }): void }
  applySeconds: { observe(seconds: number): void }
  appliedRevision: { set(value: number): void }
  generation: { set(value: number): void }
  endpoints: { set(value: number): void }
  rejected: { set(value: number): void }
}

export interface ControllerOptions extends ApplyOptions {
  id: string
  keys: Keys
  policy: AddressPolicy
  surroundings: Surroundings
  /** TTL of registrars' leases, seconds */
  leaseTtl: number
  /** the template's text; read anew before each run */
  template(): Promise<string>
  record: Pick<GatewayRecord, 'publish'>
  log: ControllerLog
  meters: ControllerMeters
}

/** Keeps the proxy's configuration what etcd says it should be. */
export class Controller {
  readonly #options: ControllerOptions
  readonly #state: State
  readonly #guard: ShrinkGuard
  readonly #apply: Apply
  readonly #pace: Pace
  readonly #named = new Map<string, { reason: string; until: number }>()
  #tick: NodeJS.Timeout | undefined
  #synced = false
  #template = ''
  #revision = '0'
  #applied = '0'
  #changedAt: number | null = null
  #endpoints = 0
  #failure: string | null = null

  constructor(options: ControllerOptions) {
    this.#options = options
    this.#state = new State(options.keys, options.policy)
    this.#guard = new ShrinkGuard(options.keys, options.leaseTtl * 1000)
    this.#apply = new Apply(options)
    this.#pace = new Pace(() => this.#run())
  }

  /** Why the last configuration is not running, null if it is. */
  get failure(): string | null {
    return this.#failure
  }

  /** etcd revision up to which every change is live or rejected */
  get applied(): string {
    return this.#applied
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
    this.#pace.trigger()
  }

  #take(batch: readonly Change[]): void {
    for (const change of batch) {
      if (change.type === 'delete') this.#state.delete(change.key)
      else {
        const rejection = this.#state.put(change.entry)
        if (rejection) this.#name(change.entry.key, rejection)
      }
    }
    this.#options.meters.rejected.set(this.#state.rejected.size)
  }

  /** Names a rejected entry in the log, once a minute at most however often it is written. */
  #name(key: string, rejection: Rejection): void {
    const now = performance.now()
    const known = this.#named.get(key)
    if (known && known.reason === rejection.reason && known.until > now) return
    if (this.#named.size >= 10_000) this.#named.clear()
    this.#named.set(key, { reason: rejection.reason, until: now + 60_000 })
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
    const { surroundings, template, meters } = this.#options
    const revision = this.#revision
    const since = this.#changedAt ?? performance.now()
    this.#changedAt = null
    const plan = planGateway(this.#state, surroundings, 0)
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
      this.#endpoints = countEndpoints(plan)
      if (!this.#guard.holding) this.#applied = revision
    }
    if (outcome.result === 'live') meters.applySeconds.observe((performance.now() - since) / 1000)
    this.#report(outcome)
    if (outcome.result === 'unchanged') return 'nothing'
    return outcome.result === 'live' ? 'done' : 'failed'
  }

  #report(outcome: Applied): void {
    const { id, log, meters, record } = this.#options
    const { result, generation } = outcome
    const failure = 'reason' in outcome ? outcome.reason : null
    if (result !== 'unchanged') meters.reloads.inc({ result })
    if (result === 'live')
      log.info(
        { generation, endpoints: this.#endpoints, revision: this.#applied },
        'configuration live',
      )
    if (failure !== null && failure !== this.#failure)
      log.warn(
        { generation, result, reason: failure },
        'configuration not taken, the last good one stays',
      )
    this.#failure = failure
    meters.generation.set(generation)
    meters.endpoints.set(this.#endpoints)
    meters.appliedRevision.set(Number(this.#applied))
    if (!this.#synced) return
    record.publish({
      id,
      applied: this.#applied,
      generation,
      endpoints: this.#endpoints,
      rejected: listed(this.#state.rejected.values()),
      ...(failure !== null && { failure: failure.slice(0, 500) }),
    })
  }
}
