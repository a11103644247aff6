import { setMaxListeners } from 'node:events'
import type { Logger } from 'pino'
import { type Answer, isExpected, READ } from '../../model/expectation.ts'
import { pause } from '../pause.ts'
import type { ReadAnswer } from './ports.ts'
import type { Target } from './targets.ts'

export interface ProberOptions {
  targets: readonly Target[]
  read: ReadAnswer
  /** seconds within which a server is found, and found missing */
  interval: number
  /** A server answers as its pool expects, or no longer. */
  onChange(pool: string, address: string, isIn: boolean): void
  count(result: 'good' | 'bad'): void
  log: Logger
}

/** Probes at once. With the most targets there can be, all silent, a round takes two timeouts. */
const AT_ONCE = 400
/** Bad answers in a row after which a server is out. */
const BAD = 2

/**
 * Asks all targets twice in an interval. One good answer and a server is in; a bad one is asked for again at once, and
 * after the second it is out. Found missing at the latest: half an interval until it is asked, two timeouts and the pause
 * between them, together 15/16 of an interval.
 */
export class Prober {
  readonly #options: ProberOptions
  readonly #timeout: number
  /** by target: pools it is in, with its bad answers in a row */
  readonly #in = new Map<Target, Map<string, number>>()
  readonly #busy = new Set<Target>()
  readonly #gateways = new Set<string>()

  constructor(options: ProberOptions) {
    this.#options = options
    this.#timeout = (options.interval * 1000 * 3) / 16
    for (const target of options.targets) this.#in.set(target, new Map())
  }

  /** Runs until `signal` aborts. Does not throw. */
  async run(signal: AbortSignal): Promise<void> {
    setMaxListeners(0, signal) // as many as there are probes
    const half = (this.#options.interval * 1000) / 2
    while (!signal.aborted) {
      const began = performance.now()
      await this.#round(signal)
      await pause(Math.max(0, half - (performance.now() - began)), signal)
    }
  }

  /** Somebody removed a server, who may know better: it is out until it has answered again, which it is asked to now. */
  doubt(pool: string, address: string, signal: AbortSignal): void {
    for (const [target, pools] of this.#in)
      if (target.address === address && pools.delete(pool)) {
        this.#options.onChange(pool, address, false)
        void this.#ask(target, signal)
      }
  }

  /** Members first: that one of them is gone is the more urgent news. */
  async #round(signal: AbortSignal): Promise<void> {
    const size = (target: Target): number => this.#in.get(target)?.size ?? 0
    const queue = [...this.#in.keys()].sort((a, b) => size(b) - size(a))
    const work = async (): Promise<void> => {
      for (let next = queue.shift(); next && !signal.aborted; next = queue.shift())
        await this.#ask(next, signal)
    }
    await Promise.all(Array.from({ length: Math.min(AT_ONCE, queue.length) }, work))
  }

  /** Asks until it is clear what to think of the target. */
  async #ask(target: Target, signal: AbortSignal): Promise<void> {
    if (this.#busy.has(target)) return
    this.#busy.add(target)
    const pools = this.#in.get(target) ?? new Map<string, number>()
    do {
      const answer = await this.#read(target, target.path, signal)
      if (signal.aborted) break
      for (const { pool, expected } of target.rules)
        if (answer && isExpected(answer, expected)) await this.#good(target, pool, pools, signal)
        else this.#bad(target, pool, pools)
      if ([...pools.values()].every((bad) => bad === 0)) break
      await pause(this.#timeout / 3, signal)
    } while (!signal.aborted)
    this.#busy.delete(target)
  }

  async #good(
    target: Target,
    pool: string,
    pools: Map<string, number>,
    signal: AbortSignal,
  ): Promise<void> {
    this.#options.count('good')
    if (!pools.has(pool) && (await this.#isGateway(target, signal))) return
    const isNew = !pools.has(pool)
    pools.set(pool, 0)
    if (isNew) this.#options.onChange(pool, target.address, true)
  }

  #bad({ address }: Target, pool: string, pools: Map<string, number>): void {
    const bad = pools.get(pool)
    if (bad === undefined) return
    this.#options.count('bad')
    if (bad + 1 < BAD) return void pools.set(pool, bad + 1)
    pools.delete(pool)
    this.#options.onChange(pool, address, false)
  }

  /** A gateway of ours that answers for a pool is no member of it: requests would go round in circles. */
  async #isGateway(target: Target, signal: AbortSignal): Promise<boolean> {
    const answer = await this.#read(target, '/_reveille/generation', signal)
    const is = answer?.status === 200 && /^[0-9]{1,15}$/.test(answer.body)
    if (is && !this.#gateways.has(target.address))
      this.#options.log.warn(
        { address: target.address },
        'a gateway answers here: it is no server of a pool',
      )
    if (is) this.#gateways.add(target.address)
    else this.#gateways.delete(target.address)
    return is
  }

  #read({ endpoint }: Target, path: string, signal: AbortSignal): Promise<Answer | null> {
    return this.#options.read(endpoint, { path, timeout: this.#timeout, most: READ }, signal)
  }
}
