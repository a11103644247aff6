import type { Rejection } from '../model/state.ts'
import { type Applied, Apply, type ApplyOptions } from './apply.ts'
import type { LiveTable } from './live.ts'
import { Naming } from './naming.ts'
import { type Outcome, Pace } from './pace.ts'
import { countEndpoints, type GatewayPlan } from './plan.ts'
import type { Quote } from './quote.ts'
import { compile, LastText, type Template } from './render.ts'
import type { Change } from './shrink.ts'
import { Status, type StatusOptions } from './status.ts'
import { frameOf } from './table.ts'
import { View, type ViewOptions } from './view.ts'

export interface ControllerOptions
  extends ApplyOptions,
    ViewOptions,
    Omit<StatusOptions, 'listen' | 'pathPrefix'> {
  /** the template's text; read anew before each run */
  template(): Promise<string>
  /** how a template writes values; as nginx reads them unless given */
  quote?: Quote
  /** the table in the proxy's memory that has the running apps; without it they are in the configuration */
  live?: LiveTable | null
  /** what the proxy does with that table */
  lua?: string
}

/** Keeps the proxy's configuration what etcd says it should be. */
export class Controller {
  readonly #options: ControllerOptions
  readonly #view: View
  readonly #apply: Apply
  readonly #pace: Pace
  readonly #naming = new Naming()
  readonly #status: Status
  readonly #last = new LastText()
  #tick: NodeJS.Timeout | undefined
  #template = ''
  #changedAt: number | null = null
  /** the plan that runs, as text */
  #live = ''
  #busy = false
  /** whether an address was given up since the last run began */
  #urgent = false

  constructor(options: ControllerOptions) {
    this.#options = options
    this.#view = new View(options)
    this.#apply = new Apply(options)
    const { listen, reading } = options.surroundings
    this.#status = new Status({ ...options, listen, pathPrefix: reading.pathPrefix })
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
    return this.#view.has(app)
  }

  /**
   * Takes over a running proxy as it is, or gives a new one a configuration to start with: a gateway that knows
   * nobody yet answers better than none.
   */
  async start(): Promise<void> {
    if (await this.#apply.start()) await this.#view.recall()
    else await this.#run()
    this.#tick = setInterval(() => void this.#look(), 1000)
  }

  async stop(): Promise<void> {
    clearInterval(this.#tick)
    await this.#pace.stop()
    await Promise.all([this.#view.stop(), this.#options.live?.stop()])
  }

  /** Takes a batch of the informer: all that is up to `revision`. */
  change(batch: readonly Change[], revision: string): void {
    this.#changedAt ??= performance.now()
    const { kept, rewound, rejected, vacated } = this.#view.take(batch, revision)
    // What was applied of the etcd before says nothing of this one.
    if (rewound) this.#status.applied = '0'
    if (kept > 0)
      this.#options.log.warn(
        { kept },
        rewound
          ? 'etcd lost its data or was restored: routes that it does not know stay for one TTL'
          : 'most endpoints are missing from etcd at once: their routes stay for one TTL',
      )
    for (const rejection of rejected) this.#name(rejection)
    // An address that is given up may be another app's a moment later.
    this.#urgent ||= vacated
    if (!this.#busy) this.#settle()
  }

  /** Has what runs made what etcd says, unless it is. */
  #settle(): void {
    if (this.#isLive()) this.#urgent = false
    else this.#pace.trigger({ urgent: this.#urgent })
  }

  /**
   * Whether what runs is what etcd says. Then that is told at once, without waiting for a turn: registrars that drain
   * an instance wait for it.
   */
  #isLive(): boolean {
    const plan = this.#view.plan()
    if (this.#status.failure !== null || JSON.stringify(plan) !== this.#live) return false
    if (!this.#view.isInDoubt) this.#status.applied = this.#view.revision
    this.#view.refresh()
    this.#status.report({ result: 'unchanged', generation: this.#apply.generation })
    this.#changedAt = null
    this.#publish()
    return true
  }

  /** Nothing is told before etcd has said what there is. */
  #publish(): void {
    if (!this.#view.synced) return
    const { entries, lost } = this.#view.rejected()
    for (const rejection of lost) this.#name(rejection)
    this.#status.publish(this.#apply.generation, [...entries, ...lost])
  }

  #name(rejection: Rejection): void {
    if (this.#naming.isNews(rejection, performance.now()))
      this.#options.log.warn(rejection, 'entry rejected')
  }

  /** Looks for what no event tells: patience that ran out, an edited template, a proxy that strayed. */
  async #look(): Promise<void> {
    const endpoints = this.#view.giveUp()
    if (endpoints > 0) {
      this.#options.log.warn({ endpoints }, 'endpoints did not come back, routes removed')
      this.#pace.trigger()
    }
    const template = await this.#options.template().catch(() => this.#template)
    if (!this.#view.synced) return
    const { live } = this.#options
    if (template !== this.#template || (await this.#apply.strayed()) || (await live?.strayed()))
      this.#pace.trigger()
  }

  async #run(): Promise<Outcome> {
    this.#busy = true
    this.#urgent = false
    const outcome = await this.#offer()
    this.#busy = false
    this.#settle()
    return outcome
  }

  async #offer(): Promise<Outcome> {
    const { template, quote, meters, live, lua } = this.#options
    const revision = this.#view.revision
    const since = this.#changedAt ?? performance.now()
    this.#changedAt = null
    const plan = this.#view.plan()
    // A template that cannot be read or compiled is refused like one that renders nonsense.
    const source = await template().catch((error: Error) => error)
    if (typeof source === 'string') this.#template = source
    let render: Template | undefined
    const configured = live ? frameOf(plan) : plan
    const bring = () =>
      this.#apply.run((generation) => {
        if (typeof source !== 'string') throw source
        const numbered = { ...configured, generation }
        return this.#last.of(source, numbered, () => {
          render ??= compile(source, quote, lua)
          return render(numbered)
        })
      })
    const outcome = live ? await this.#push(live, plan, bring) : await bring()
    if (!('reason' in outcome)) {
      this.#live = JSON.stringify(plan)
      this.#status.endpoints = countEndpoints(plan)
      this.#view.keep()
      if (!this.#view.isInDoubt) this.#status.applied = revision
    }
    const { result } = outcome
    if (result === 'live' || result === 'moved' || result === 'pushed')
      meters.applySeconds.observe((performance.now() - since) / 1000)
    this.#status.report(outcome)
    this.#publish()
    if (result === 'unchanged' || result === 'pushed') return 'nothing'
    return result === 'live' || result === 'moved' ? 'done' : 'failed'
  }

  /**
   * The table first: a configuration that is refused keeps no route from being live. Where nobody is at its door, the
   * configuration may be what opens it.
   */
  async #push(live: LiveTable, plan: GatewayPlan, bring: () => Promise<Applied>): Promise<Applied> {
    let words = ''
    const push = () =>
      live.push(plan).catch((error: Error) => {
        words = error.message
        return 'failed' as const
      })
    const first = await push()
    const outcome = await bring()
    if ('reason' in outcome) return outcome
    const last = first === 'absent' ? await push() : first
    const { generation } = outcome
    if (last === 'absent' && (await this.#options.proxy.running()))
      words = 'nobody answers at the door of the table of routes: restart nginx'
    if (words !== '') return { result: 'unconfirmed', generation, reason: words }
    return outcome.result === 'unchanged' && last === 'pushed'
      ? { result: 'pushed', generation }
      : outcome
  }
}
