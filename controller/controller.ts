import { Lanes, type LanesOptions } from './lanes.ts'
import { Rejections } from './rejections.ts'
import type { Change } from './shrink.ts'
import type { Status } from './status.ts'
import { View, type ViewOptions } from './view.ts'

export interface ControllerOptions extends LanesOptions, ViewOptions {
  /** Calls `onChange` when the template was edited or the proxy started, as far as one hears of that. Returns how to stop it. */
  watch(onChange: () => void): () => void
}

/** Milliseconds between looks at what time alone changes. */
const TICK = 1000
/** So many of them are between looks for what nobody said: each is two questions to the proxy, and the template read. */
const UNSAID = 5
const REWOUND = 'etcd lost its data or was restored: routes that it does not know stay for one TTL'
const MISSING = 'most endpoints are missing from etcd at once: their routes stay for one TTL'

/** Keeps the proxy what etcd says it should be. */
export class Controller {
  readonly #options: ControllerOptions
  readonly #view: View
  readonly #rejections: Rejections
  readonly #lanes: Lanes
  #tick: NodeJS.Timeout | undefined
  #unwatch: () => void = () => {}

  constructor(options: ControllerOptions) {
    this.#options = options
    this.#view = new View(options)
    this.#rejections = new Rejections(options, this.#view)
    this.#lanes = new Lanes(options, this.#view, this.#rejections)
  }

  /** What runs, and why not more. */
  get status(): Readonly<Pick<Status, 'failure' | 'applied'>> {
    return this.#lanes.status
  }

  get generation(): number {
    return this.#lanes.generation
  }

  /** What etcd says that runs, by app and slot. */
  get endpoints(): View['endpoints'] {
    return this.#view.endpoints
  }

  /**
   * Takes over a running proxy as it is, or gives a new one a configuration to start with: a gateway that knows
   * nobody yet answers better than none.
   */
  async start(): Promise<void> {
    await this.#lanes.start()
    let ticks = 0
    this.#tick = setInterval(() => {
      this.#giveUp()
      if (++ticks % UNSAID === 0) void this.#lanes.look()
    }, TICK)
    this.#unwatch = this.#options.watch(() => void this.#lanes.look())
  }

  async stop(): Promise<void> {
    clearInterval(this.#tick)
    this.#unwatch()
    await this.#lanes.stop()
    await Promise.all([this.#view.stop(), this.#options.live?.stop()])
  }

  /** Takes a batch of the informer: all that is up to `revision`. */
  change(batch: readonly Change[], revision: string): void {
    const { kept, rewound, rejected, vacated } = this.#view.take(batch, revision)
    if (rewound) this.#lanes.rewind()
    if (kept > 0) this.#options.log.warn({ kept }, rewound ? REWOUND : MISSING)
    for (const rejection of rejected) this.#rejections.tell(rejection)
    this.#lanes.change({ vacated })
  }

  /** Patience runs out without a word. */
  #giveUp(): void {
    const endpoints = this.#view.giveUp()
    if (endpoints === 0) return
    this.#options.log.warn({ endpoints }, 'endpoints did not come back, routes removed')
    this.#lanes.settle()
  }
}
