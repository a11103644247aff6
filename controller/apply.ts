import { prove } from './proof.ts'
import { generationOf } from './render.ts'
import type { Runtime } from './runtime.ts'

/** The files of one configuration. */
export interface ConfigurationFiles {
  /** the running configuration's text, null if there is none */
  read(): Promise<string | null>
  /** Writes a candidate beside it, durably; returns its path. Leaves nothing behind when it throws. */
  propose(text: string): Promise<string>
  /** Drops the candidate. */
  withdraw(): Promise<void>
  /** Puts the candidate in place in one step; what was there stays at hand. */
  adopt(): Promise<void>
  /** Puts back what was there before `adopt`. */
  restore(): Promise<void>
  /** `adopt` was right: what was there before is dropped. */
  settle(): Promise<void>
}

export interface Proxy {
  /** Rejects with the proxy's words if it would not take this file. */
  check(candidate: string): Promise<void>
  /** Whether it runs. If not, it will read its file when it starts. */
  running(): Promise<boolean>
  /** Makes it read its file. */
  reload(): Promise<void>
  /** the generation that answers now, null if nothing answers */
  generation(): Promise<number | null>
}

export type Applied =
  | { result: 'unchanged' | 'live' | 'moved'; generation: number }
  | { result: 'refused' | 'unconfirmed'; generation: number; reason: string }

export interface ApplyOptions {
  files: ConfigurationFiles
  proxy: Proxy
  /** for a proxy that changes servers while it runs */
  runtime?: Pick<Runtime, 'read' | 'forget' | 'plan' | 'move'>
  /** whether to ask the proxy if the new generation answers; neither `-t` nor the reload's exit code proves it */
  confirm: boolean
  /** milliseconds the new generation may take to answer */
  patience?: number
}

/**
 * Brings a configuration into the proxy: candidate, check, atomic rename, reload, and proof that it answers. On any
 * failure the last good one is in its place again and running. Calls must not overlap.
 */
export class Apply {
  readonly #options: ApplyOptions
  readonly #patience: number
  #text: string | null = null
  #generation = 0
  /** highest number ever given, so that a late reload is never taken for a later one */
  #highest = 0
  #settled = false
  #busy = false

  constructor(options: ApplyOptions) {
    this.#options = options
    this.#patience = options.patience ?? 5000
  }

  /** number of the configuration that runs, or will when the proxy starts */
  get generation(): number {
    return this.#generation
  }

  /** Takes over what an earlier controller left. Returns whether there is a configuration. */
  async start(): Promise<boolean> {
    const { files, proxy, confirm } = this.#options
    const answer = confirm ? await proxy.generation() : null
    // Where running apps are not in it, the next change that would clear a candidate away may be days off.
    await files.withdraw()
    let text = await files.read()
    // It may have died between adopt and settle: what the proxy runs has proved itself, anything else has not.
    if (text !== null && generationOf(text) === answer) await files.settle()
    else {
      await files.restore()
      text = await files.read()
    }
    this.#text = text
    this.#generation = text === null ? 0 : generationOf(text)
    this.#highest = Math.max(this.#generation, answer ?? 0)
    this.#settled = answer === null || answer === this.#generation
    if (text !== null && this.#settled) this.#options.runtime?.read(text)
    return this.#text !== null
  }

  /** Whether the proxy runs something else than its file says: it was started or reloaded behind our back. */
  async strayed(): Promise<boolean> {
    if (!this.#options.confirm || this.#text === null || this.#busy) return false
    const [generation, answer] = [this.#generation, await this.#options.proxy.generation()]
    if (this.#busy || generation !== this.#generation) return false
    if (answer !== null && answer !== generation) this.#settled = false
    return !this.#settled
  }

  /** Makes what `render` gives the running configuration, unless it already is: the number alone is no change. */
  async run(render: (generation: number) => string): Promise<Applied> {
    this.#busy = true
    try {
      return await this.#offer(render)
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error)
      return { result: 'refused', generation: this.#generation, reason }
    } finally {
      this.#busy = false
    }
  }

  async #offer(render: (generation: number) => string): Promise<Applied> {
    const { files, proxy } = this.#options

    if (this.#text !== null && render(this.#generation) === this.#text)
      return this.#settled ? { result: 'unchanged', generation: this.#generation } : this.#again()
    const generation = this.#highest + 1
    const text = render(generation)
    const candidate = await files.propose(text)
    try {
      await proxy.check(candidate)
      await files.adopt()
    } catch (error) {
      await files.withdraw()
      throw error
    }
    this.#highest = generation
    const moved = await this.#move(text, generation)
    const reason = moved ? null : await this.#bring(text, generation)
    if (reason !== null) {
      await files.restore()
      this.#settled = this.#text !== null && (await this.#back())
      return { result: 'unconfirmed', generation: this.#generation, reason }
    }
    await files.settle()
    this.#text = text
    this.#generation = generation
    this.#settled = true
    return { result: moved ? 'moved' : 'live', generation }
  }

  /** Changes servers alone, in a proxy that runs the last good file and nothing else. Returns whether that did it. */
  async #move(text: string, generation: number): Promise<boolean> {
    const { proxy, runtime, confirm } = this.#options
    const plan = this.#settled && runtime?.plan(text)
    if (!plan || !(await proxy.running())) return false
    if (confirm && (await proxy.generation()) !== this.#generation) return false
    if (!(await runtime?.move(plan, generation))) return false
    return !confirm || (await proxy.generation()) === generation
  }

  /** The file is right, the proxy runs something else. */
  async #again(): Promise<Applied> {
    const generation = this.#generation
    const reason = await this.#bring(this.#text ?? '', generation)
    this.#settled = reason === null
    return reason === null
      ? { result: 'live', generation }
      : { result: 'unconfirmed', generation, reason }
  }

  /** The last good file is back. A proxy that never left it needs no reload, which would cost kept connections. */
  async #back(): Promise<boolean> {
    const { confirm, proxy } = this.#options
    if (confirm && (await proxy.generation()) === this.#generation) return true
    return (await this.#bring(this.#text ?? '', this.#generation)) === null
  }

  /** Makes the proxy read its file, which has this text. Returns why it does not, or null. */
  async #bring(text: string, generation: number): Promise<string | null> {
    const { runtime } = this.#options
    runtime?.forget()
    const reason = await this.#reload(generation)
    if (reason === null) runtime?.read(text)
    return reason
  }

  /** Reloads and waits for the proof. Returns why there is none, or null. */
  async #reload(generation: number): Promise<string | null> {
    const { proxy, confirm } = this.#options
    try {
      if (!(await proxy.running())) return null
      await proxy.reload()
    } catch (error) {
      return `the reload failed: ${error instanceof Error ? error.message : String(error)}`
    }
    return confirm ? await prove(proxy, generation, this.#patience) : null
  }
}
