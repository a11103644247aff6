/** So many held requests of one app are let go at once, then so many after each rest (milliseconds): 2,400 a second. */
const FIRST = 128
const WAVE = 24
const REST = 10

interface Gone {
  /** that may go yet in this wave */
  left: number
  waiting: (() => void)[]
  timer: NodeJS.Timeout
}

/**
 * Lets held requests go in waves. Each is a new connection to the app, and a server takes some hundred of them before
 * it has looked at one (listen(2); Node asks for 511): of a thousand that came at once the kernel would drop the rest,
 * and their clients wait a second longer, until it tries again.
 */
export class Release {
  readonly #apps = new Map<string, Gone>()

  /** Resolves when a request to `app` (canonical name) may go: at once, or when those before it have. */
  async turn(app: string): Promise<void> {
    const gone = this.#apps.get(app) ?? this.#begin(app)
    if (gone.left > 0) gone.left -= 1
    else
      await new Promise<void>((go) => {
        gone.waiting.push(go)
      })
  }

  #begin(app: string): Gone {
    const gone = { left: FIRST, waiting: [], timer: setInterval(() => this.#next(app), REST) }
    this.#apps.set(app, gone)
    return gone
  }

  #next(app: string): void {
    const gone = this.#apps.get(app)
    if (!gone) return
    const wave = gone.waiting.splice(0, WAVE)
    gone.left = WAVE - wave.length
    for (const go of wave) go()
    if (wave.length > 0) return
    clearInterval(gone.timer)
    this.#apps.delete(app)
  }
}
