import { canonical, isAppName } from '../model/name.ts'

/** Where use is told. */
export interface ActivityStore {
  put(key: string, value: string): Promise<unknown>
}

export interface ActivityOptions {
  store: ActivityStore
  /** the key of an app's activity */
  key(app: string): string
  /** whether this gateway routes to the app now; nobody else is written about */
  routed(app: string): boolean
  onReport?(): void
}

/** Registrars see a key change; at most one per app in this many milliseconds. */
const REST = 2000

/**
 * Turns the proxy's use reports into etcd writes: the first after a quiet spell at once, later ones folded. Reports
 * are hints and may be lost: a registrar looks for open connections before it stops anything.
 */
export class Activity {
  readonly #options: ActivityOptions
  /** by app, while its rest lasts: whether it was used since the last write */
  readonly #resting = new Map<string, boolean>()
  readonly #timers = new Set<NodeJS.Timeout>()

  constructor(options: ActivityOptions) {
    this.#options = options
  }

  /** Takes one datagram of the proxy: a syslog line that ends in `app_<name>`. */
  report(line: string): void {
    const [, name = ''] = /(?:^|[ :])app_([A-Za-z0-9_-]{1,63})\s*$/.exec(line.slice(-200)) ?? []
    if (!isAppName(name)) return
    const app = canonical(name)
    if (!this.#options.routed(app)) return
    this.#options.onReport?.()
    if (this.#resting.has(app)) this.#resting.set(app, true)
    else this.#write(app)
  }

  stop(): void {
    for (const timer of this.#timers) clearTimeout(timer)
  }

  #write(app: string): void {
    this.#resting.set(app, false)
    const value = new Date().toISOString()
    this.#options.store.put(this.#options.key(app), value).catch(() => {
      // etcd is away: the next write tells the same
      if (this.#resting.has(app)) this.#resting.set(app, true)
    })
    const timer = setTimeout(() => {
      this.#timers.delete(timer)
      const used = this.#resting.get(app) === true
      this.#resting.delete(app)
      if (used && this.#options.routed(app)) this.#write(app)
    }, REST)
    this.#timers.add(timer)
  }
}
