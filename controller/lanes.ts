import { setImmediate as immediate } from 'node:timers/promises'
import { Configuration, type ConfigurationOptions } from './configuration.ts'
import { Lane } from './lane.ts'
import type { LiveTable } from './live.ts'
import type { Outcome } from './pace.ts'
import { countEndpoints, type GatewayPlan } from './plan.ts'
import type { Rejections } from './rejections.ts'
import { Status, type StatusOptions } from './status.ts'
import type { View, ViewOptions } from './view.ts'

export interface LanesOptions
  extends ConfigurationOptions,
    Omit<StatusOptions, 'listen' | 'pathPrefix'>,
    Pick<ViewOptions, 'surroundings'> {
  /** the table in the proxy's memory that has the running apps; without it they are in the configuration */
  live?: LiveTable | null
}

/** Milliseconds between reloads, each of which costs clients something. */
const RELOAD_REST = 1000
/** Milliseconds between pushes: a single change waits for none of it, many in a row are some fifty pushes a second. */
const PUSH_REST = 20

/**
 * The two ways into a proxy: its configuration, and the table in its memory where it has one. What the view says goes by
 * each at its own pace, as a push costs little and waits for no reload; what came of it is told to the status.
 */
export class Lanes {
  readonly #options: LanesOptions
  readonly #view: View
  readonly #rejections: Rejections
  readonly #configuration: Configuration
  readonly #configured: Lane
  readonly #pushed: Lane
  readonly #status: Status

  constructor(options: LanesOptions, view: View, rejections: Rejections) {
    this.#options = options
    this.#view = view
    this.#rejections = rejections
    this.#configuration = new Configuration(options)
    this.#configured = new Lane(
      (since) => this.#bring(since),
      () => this.settle(),
      RELOAD_REST,
    )
    this.#pushed = new Lane(
      (since) => this.#push(since),
      () => this.settle(),
      PUSH_REST,
    )
    const { listen, reading } = options.surroundings
    this.#status = new Status({ ...options, listen, pathPrefix: reading.pathPrefix })
  }

  get status(): Readonly<Pick<Status, 'failure' | 'applied'>> {
    return this.#status
  }

  get generation(): number {
    return this.#configuration.generation
  }

  /** Takes over what an earlier controller left, or brings a configuration to start with. */
  async start(): Promise<void> {
    if (await this.#configuration.start()) await this.#view.recall()
    else await this.#bring(performance.now())
  }

  /** No more runs; resolves when the current ones are over. */
  async stop(): Promise<void> {
    await Promise.all([this.#configured.stop(), this.#pushed.stop()])
  }

  /** What was applied of an etcd that is no more says nothing of the next one. */
  rewind(): void {
    for (const lane of [this.#configured, this.#pushed]) this.#reach(lane, '0')
  }

  /** The view has changed. `vacated`: an address was given up, which may be another app's a moment later. */
  change({ vacated }: { vacated: boolean }): void {
    // Of a table that is not known to the configuration.
    this.#configured.change({ urgent: vacated && !this.#options.live })
    this.#pushed.change({ urgent: vacated })
    this.settle()
  }

  /** Has what runs made what etcd says, unless it is: then that is told at once, as registrars that drain wait for it. */
  settle(): void {
    const { live } = this.#options
    live?.take(this.#view.plans)
    const lanes = [
      { lane: this.#pushed, runs: live?.runs ?? true },
      { lane: this.#configured, runs: this.#configuration.runs(this.#configurable()) },
    ]
    for (const { lane, runs } of lanes) {
      if (!runs) lane.trigger()
      else {
        lane.settle()
        if (!this.#view.isInDoubt) this.#reach(lane, this.#view.revision)
      }
    }
    if (!lanes.every(({ runs }) => runs)) return
    this.#view.refresh()
    this.#status.report({ result: 'unchanged', generation: this.generation })
    this.#publish()
  }

  /** Looks for what etcd does not tell: an edited template, a proxy that strayed. */
  async look(): Promise<void> {
    const ask = async (strayed: Promise<boolean> | undefined, lane: Lane) => {
      if ((await strayed) && this.#view.synced) lane.trigger()
    }
    // Side by side: an nginx that just starts may take a second for the one, and has an older table meanwhile.
    await Promise.all([
      ask(this.#configuration.strayed(), this.#configured),
      ask(this.#options.live?.strayed(), this.#pushed),
    ])
  }

  /** What is to be in the proxy's configuration. */
  #configurable(): GatewayPlan {
    const { plans } = this.#view
    return this.#options.live?.frameOf(plans.frame()) ?? plans.whole()
  }

  /** Every change up to `revision` is through this lane, and applied where it is through the other one. */
  #reach(lane: Lane, revision: string): void {
    lane.reached = BigInt(revision)
    const [one, other] = [this.#configured.reached, this.#pushed.reached]
    this.#status.applied = String(one < other ? one : other)
  }

  /** Nothing is told before etcd has said what there is. */
  #publish(): void {
    if (this.#view.synced) this.#status.publish(this.generation, this.#rejections.all())
  }

  async #bring(since: number): Promise<Outcome> {
    const { live } = this.#options
    const { revision } = this.#view
    const plan = this.#configurable()
    // An nginx that has no table yet reads the file as it is reloaded.
    await live?.written()
    const outcome = await this.#configuration.bring(plan)
    const { result } = outcome
    const endpoints = live ? this.#status.endpoints : countEndpoints(plan)
    if (!('reason' in outcome)) this.#done(this.#configured, revision, endpoints)
    if (result === 'live' || result === 'moved') this.#observe(since)
    this.#status.report(outcome)
    this.#publish()
    if (result === 'unchanged') return 'nothing'
    return result === 'live' || result === 'moved' ? 'done' : 'failed'
  }

  async #push(since: number): Promise<Outcome> {
    const { live, proxy } = this.#options
    if (!live) return 'nothing'
    // Where services share a process, a request that is held for the same news is let go first.
    await immediate()
    const { revision } = this.#view
    const caught = (error: Error): Error => error
    let result = await live.push(proxy).catch(caught)
    const isThrough = result !== 'lost' && !(result instanceof Error)
    if (isThrough) this.#done(this.#pushed, revision, live.endpoints)
    if (result === 'pushed') this.#observe(since)
    if (result === 'lost') {
      // The configuration that opens it may still be on its way.
      if (!this.#configuration.runs(this.#configurable())) return 'failed'
      result = (await live.reopen().catch(caught)) ?? 'lost'
    }
    this.#status.reportRoutes(result)
    this.#publish()
    if (!isThrough) return 'failed'
    return result === 'pushed' ? 'done' : 'nothing'
  }

  /** The plan of this revision went this way, all of it. */
  #done(lane: Lane, revision: string, endpoints: number): void {
    this.#status.endpoints = endpoints
    if (!this.#view.isInDoubt) this.#reach(lane, revision)
    this.#view.keep()
  }

  #observe(since: number): void {
    this.#options.meters.applySeconds.observe((performance.now() - since) / 1000)
  }
}
