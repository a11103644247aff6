import { isDeepStrictEqual } from 'node:util'
import { type Applied, Apply, type ApplyOptions } from './apply.ts'
import type { GatewayPlan } from './plan.ts'
import type { Quote } from './quote.ts'
import { compile, LastText, type Template } from './render.ts'

export interface ConfigurationOptions extends ApplyOptions {
  /** the template's text; read anew before each run */
  template(): Promise<string>
  /** how a template writes values; as nginx reads them unless given */
  quote?: Quote
  /** what the proxy does with a live table */
  lua?: string
}

/** What of a plan is in the proxy's configuration: rendered by the template, and brought there. */
export class Configuration {
  readonly #options: ConfigurationOptions
  readonly #apply: Apply
  readonly #last = new LastText()
  #template = ''
  /** the plan that runs; null if that is not known: one is being brought, or the last one was not taken */
  #runs: GatewayPlan | null = null

  constructor(options: ConfigurationOptions) {
    this.#options = options
    this.#apply = new Apply(options)
  }

  get generation(): number {
    return this.#apply.generation
  }

  /** Takes over what an earlier controller left. Returns whether there is a configuration. */
  start(): Promise<boolean> {
    return this.#apply.start()
  }

  /** Whether this plan runs, as far as nobody changed that behind our back. */
  runs(plan: GatewayPlan): boolean {
    if (!isDeepStrictEqual(plan, this.#runs)) return false
    // Equal, but made anew: what is compared next time is found to be the same at once, and not route by route.
    this.#runs = plan
    return true
  }

  /** Looks for what no event tells: an edited template, a proxy that strayed. */
  async strayed(): Promise<boolean> {
    const template = await this.#options.template().catch(() => this.#template)
    return template !== this.#template || (await this.#apply.strayed())
  }

  /** Makes it what runs. Calls must not overlap. */
  async bring(plan: GatewayPlan): Promise<Applied> {
    const { template, quote, lua } = this.#options
    this.#runs = null
    // A template that cannot be read or compiled is refused like one that renders nonsense.
    const source = await template().catch((error: Error) => error)
    if (typeof source === 'string') this.#template = source
    let render: Template | undefined
    const outcome = await this.#apply.run((generation) => {
      if (typeof source !== 'string') throw source
      const numbered = { ...plan, generation }
      return this.#last.of(source, numbered, () => {
        render ??= compile(source, quote, lua)
        return render(numbered)
      })
    })
    this.#runs = 'reason' in outcome ? null : plan
    return outcome
  }
}
