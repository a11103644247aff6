import { Agent, request } from 'node:http'
import { setTimeout as pause } from 'node:timers/promises'

/** What the test app says of itself. `host` begins the id of its container. */
export interface Seen {
  app: string
  host: string
  bootId: string
  /** since when it listens, milliseconds since 1970 */
  listening: number
}

/** One request as its client saw it. Times are performance.now() of this process, milliseconds. */
export interface Shot {
  id: number
  /** the app that was asked for */
  app: string
  origin: string
  began: number
  /** null while it is open */
  ended: number | null
  /** null where none came */
  status: number | null
  retryAfter: string | null
  /** who answered, as the test app says it; null where the answer was not the app's */
  seen: Seen | null
  /** why there is no answer */
  error: string | null
  /** the beginning of an answer that was not the app's */
  words?: string
}

export interface LoadOptions {
  /** gateways, asked in turn */
  origins: readonly string[]
  /** apps, asked in turn */
  apps: readonly string[]
  /** what comes after the app's name; `/` unless given */
  path?: string
  /** requests per second; Infinity for all at once */
  rate: number
  /** `poisson`: at random, with this rate in the mean */
  arrival?: 'even' | 'poisson'
  /** ends by itself after so many requests, or seconds */
  count?: number
  seconds?: number
  /** connections are kept and used again; each request has its own unless given */
  keepAlive?: boolean
  /** milliseconds after which the client gives up: longer than any request may take */
  patience?: number
}

/** More than these are never open at once: what would be fails at once, and this process survives. */
const OPEN = 12_000

/** An open-loop client: requests leave when they are due, however long those before them take. Every one is kept. */
export class Load {
  readonly shots: Shot[] = []
  readonly #options: LoadOptions
  readonly #agent: Agent | false
  readonly #open = new Set<Promise<void>>()
  readonly #running: Promise<void>
  readonly #ending = new AbortController()

  constructor(options: LoadOptions) {
    this.#options = options
    this.#agent = options.keepAlive ? new Agent({ keepAlive: true, maxSockets: OPEN }) : false
    this.#running = this.#run()
  }

  /** Sends nothing more; resolves with all requests when the last one has ended. */
  async stop(): Promise<Shot[]> {
    this.#ending.abort()
    return await this.done()
  }

  /** Resolves with all requests when the last one has ended. */
  async done(): Promise<Shot[]> {
    await this.#running
    await Promise.all(this.#open)
    if (this.#agent) this.#agent.destroy()
    return this.shots
  }

  async #run(): Promise<void> {
    const {
      rate,
      count = Number.POSITIVE_INFINITY,
      seconds = Number.POSITIVE_INFINITY,
    } = this.#options
    const began = performance.now()
    const end = began + seconds * 1000
    let due = began
    while (!this.#ending.signal.aborted && this.shots.length < count && due < end) {
      const early = due - performance.now()
      if (early > 1) await pause(early, undefined, this.#ending).catch(() => {})
      if (this.#ending.signal.aborted) return
      this.#fire()
      const gap = 1000 / rate
      due += this.#options.arrival === 'poisson' ? -Math.log(1 - Math.random()) * gap : gap
    }
  }

  #fire(): void {
    const { origins, apps } = this.#options
    const id = this.shots.length
    const shot: Shot = {
      id,
      app: apps[id % apps.length] as string,
      origin: origins[id % origins.length] as string,
      ...{ began: performance.now(), ended: null },
      ...{ status: null, retryAfter: null, seen: null, error: null },
    }
    this.shots.push(shot)
    if (this.#open.size >= OPEN) {
      shot.ended = shot.began
      shot.error = `${OPEN} requests are open at once`
      return
    }
    const flight = this.#send(shot).finally(() => this.#open.delete(flight))
    this.#open.add(flight)
  }

  /** Does not reject: what went wrong is in the shot. */
  #send(shot: Shot): Promise<void> {
    const { path = '/', patience = 90_000 } = this.#options
    return new Promise((resolve) => {
      const end = (error: string | null): void => {
        shot.ended ??= performance.now()
        shot.error ??= error
        resolve()
      }
      const call = request(`${shot.origin}/${shot.app}${path}`, {
        agent: this.#agent,
        signal: AbortSignal.timeout(patience),
      })
      call.on('error', (error: NodeJS.ErrnoException) => end(error.code ?? error.message))
      call.on('response', (response) => {
        let text = ''
        response.setEncoding('utf8')
        response.on('data', (part: string) => {
          text += part
        })
        response.on('error', (error) => end(`broken answer: ${error.message}`))
        response.on('end', () => {
          shot.status = response.statusCode ?? null
          shot.retryAfter = response.headers['retry-after'] ?? null
          shot.seen = readApp(text)
          if (shot.seen === null) shot.words = text.slice(0, 200)
          end(null)
        })
      })
      call.end()
    })
  }
}

/** Who answered, as the test app says it; null for any other answer. */
export function readApp(text: string): Shot['seen'] {
  try {
    const said = JSON.parse(text)
    return typeof said?.app === 'string' && typeof said.host === 'string' ? (said as Seen) : null
  } catch {
    return null
  }
}

/** The first of those that were not answered with 200, each a sentence: when, where, how long it took, what it was told. */
export function failed(shots: readonly Shot[], most = 5): string[] {
  return shots
    .filter(({ status }) => status !== 200)
    .slice(0, most)
    .map(({ app, origin, began, ended, status, error, words = '' }) => {
      const at = new Date(performance.timeOrigin + began).toISOString()
      const took = Math.round((ended ?? performance.now()) - began)
      return `${at} ${app} at ${origin}: ${error ?? status} after ${took} ms ${words.trim()}`
    })
}

/** What became of these requests, for a message: `998 x 200, 2 x 502`. */
export function summary(shots: readonly Shot[]): string {
  const counts = new Map<string, number>()
  for (const { status, error, ended } of shots) {
    const end = ended === null ? 'open' : String(error ?? status)
    counts.set(end, (counts.get(end) ?? 0) + 1)
  }
  return [...counts].map(([end, count]) => `${count} x ${end}`).join(', ')
}
