import { setTimeout as pause } from 'node:timers/promises'
import { disagreements, type Picture } from './agreement.ts'
import { failures, type Healthy, indefinite, strangers } from './answers.ts'
import { type Footprint, growth, type Plateau } from './footprint.ts'
import { GatewayWatch, type WatchedGateway } from './gateway-watch.ts'
import { herd } from './herd.ts'
import { Load, type LoadOptions, type Shot } from './load.ts'
import { doubleStarts, type EngineEvent, type Lost } from './starts.ts'
import { Witness, type WitnessedEngine } from './witness.ts'

/** `live`: running apps are in nginx's memory; `reload`: in its configuration. */
export type Mode = 'live' | 'reload'

/** What is watched, reached beside all lines that a fault may cut. */
export interface Subject {
  gateways: readonly WatchedGateway[]
  /** of all gateways */
  mode: Mode
  engines: readonly WitnessedEngine[]
  /** seconds a request is held at most */
  holdTimeout: number
  /** routes, Endpoints and containers as they are now */
  picture(): Promise<Picture>
  footprint(): Promise<Footprint>
  /** what `steady` has found; the same for all faults of a run */
  plateau?: Plateau
}

/** Milliseconds within which all is right again after the last heal. */
const SETTLED = 10_000
/** Milliseconds of quiet after which all is what it was. */
const QUIET = 60_000
const LOOK = 1_000

/**
 * Holds I1 to I7 against everything that happens between its beginning and its verdict. Faults tell it what they do:
 * which apps are healthy meanwhile, which hosts are lost, what they ask.
 */
export class Oracle {
  readonly #subject: Subject
  readonly #before: Footprint
  readonly #loads: Load[] = []
  readonly #herds: Shot[][] = []
  readonly #healthy: Healthy[] = []
  readonly #lost: Lost[] = []
  readonly #allowed: number[] = []
  readonly #found: string[] = []
  readonly #gateways: GatewayWatch[]
  readonly #witnesses: Witness[]

  private constructor(subject: Subject, before: Footprint) {
    this.#subject = subject
    this.#before = before
    this.#gateways = subject.gateways.map((gateway) => new GatewayWatch(gateway))
    this.#witnesses = subject.engines.map((engine) => new Witness(engine))
  }

  /** Begins to watch. What the fleet takes now, while nothing is asked of it, is what it must come back to. */
  static async begin(subject: Subject): Promise<Oracle> {
    return new Oracle(subject, await subject.footprint())
  }

  /** What the engines said so far, in no order. */
  get events(): EngineEvent[] {
    return this.#witnesses.flatMap(({ events }) => events)
  }

  /** What is known to be wrong by now, without what only an end can show. */
  soFar(): string[] {
    return [...this.#gateways.flatMap(({ violations }) => violations), ...this.#found]
  }

  /** Asks through the gateways, all in turn unless told otherwise, and judges every answer. */
  load(options: Omit<LoadOptions, 'origins'> & Partial<Pick<LoadOptions, 'origins'>>): Load {
    const origins = this.#subject.gateways.map(({ origin }) => origin)
    const load = new Load({ origins, ...options })
    this.#loads.push(load)
    return load
  }

  /** So many clients ask for an app at once, and every answer is judged. */
  async herd(app: string, count: number): Promise<Shot[]> {
    const { shots, done } = await herd(
      this.#subject.gateways.map(({ origin }) => origin),
      app,
      count,
    )
    this.#herds.push(shots)
    return await done
  }

  /** From now on, until the returned function is called, no request to these apps may fail. */
  healthy(...apps: string[]): () => void {
    const spans = apps.map((app): Healthy => ({ app, from: performance.now(), to: null }))
    this.#healthy.push(...spans)
    return () => {
      for (const span of spans) span.to = performance.now()
    }
  }

  /** From now on, until the returned function is called, what runs on `host` may be started elsewhere too. */
  lost(host: string): () => void {
    const span: Lost = { host, from: now(), to: null }
    this.#lost.push(span)
    return () => {
      span.to = now()
    }
  }

  /** The fault's own words allow this status beside 200, 503 and 504. */
  allow(status: number): void {
    this.#allowed.push(status)
  }

  /** I5, within so many milliseconds from now. Resolves with how many it took; late is a violation, told once. */
  async settled(within = SETTLED): Promise<number> {
    const began = performance.now()
    for (;;) {
      // An etcd that has no leader yet is no picture, and not right.
      const left = await this.#subject
        .picture()
        .then(disagreements, (error: Error) => [`I5: nobody could look: ${error.message}`])
      const took = performance.now() - began
      if (left.length === 0 && took <= within) return took
      if (took > within) {
        const words = left.length > 0 ? left : ['I5: all is right, but late']
        this.#found.push(...words.map((each) => `${each}, ${Math.round(took)} ms after the heal`))
        return took
      }
      await pause(Math.min(LOOK, within / 10))
    }
  }

  /** I7, when the fault has taken away what it made: at the latest after 60 s of quiet all is what it was. */
  async quiet(within = QUIET): Promise<void> {
    const end = performance.now() + within
    for (;;) {
      const left = growth(this.#before, await this.#subject.footprint(), this.#subject.plateau)
      if (left.length === 0) return
      if (performance.now() > end) {
        this.#found.push(...left)
        return
      }
      await pause(LOOK)
    }
  }

  /** Ends the watch. Every sentence is a violation. */
  async verdict(): Promise<string[]> {
    const loads = await Promise.all(this.#loads.map((load) => load.stop()))
    const shots = [...loads, ...this.#herds].flat()
    const events = (await Promise.all(this.#witnesses.map((one) => one.stop()))).flat()
    const gateways = (await Promise.all(this.#gateways.map((one) => one.stop()))).flat()
    return [
      ...strangers(shots),
      ...gateways,
      ...failures(shots, this.#healthy),
      ...doubleStarts(events, this.#lost),
      ...this.#found,
      ...indefinite(shots, this.#subject.holdTimeout, this.#allowed),
    ]
  }
}

const now = (): bigint => BigInt(Date.now()) * 1_000_000n
