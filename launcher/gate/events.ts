import type { FastifyReply } from 'fastify'
import type { App } from '../../model/app.ts'
import { canonical } from '../../model/name.ts'
import type { Progress } from '../../model/progress.ts'
import type { Catalog } from '../catalog.ts'
import type { Backoff } from '../wake/backoff.ts'
import type { Board } from '../wake/board.ts'

export interface EventStreamsOptions {
  catalog: Catalog
  board: Board
  backoff: Backoff
  /** whether visitors are told why an app failed */
  tellsReasons: boolean
}

/** Streams at once; a waiting page without one refreshes by itself. */
const STREAMS = 2_000
/** And of one client. */
const OF_ONE = STREAMS / 2
/** A comment keeps connections through proxies and finds those that are dead, milliseconds. */
const BEAT = 15_000
/** No start takes longer; the page asks again, milliseconds. */
const LONGEST = 30 * 60_000

/** The live progress of a wake for its waiting pages, as server-sent events. Following wakes nothing. */
export class EventStreams {
  readonly #options: EventStreamsOptions
  /** how to end each, with its client */
  readonly #open = new Map<() => void, string>()

  constructor(options: EventStreamsOptions) {
    this.#options = options
  }

  /** Sends the progress of `app` until it is ready or has failed. Returns false if too many follow already. */
  serve(app: App, client: string, reply: FastifyReply): boolean {
    if (this.#open.size >= STREAMS || (client !== '' && this.#of(client) >= OF_ONE)) return false
    reply.hijack()
    const { raw } = reply
    raw.writeHead(200, {
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-store',
      'x-accel-buffering': 'no',
    })
    const abort = new AbortController()
    const end = (): void => {
      if (!this.#open.delete(end)) return
      abort.abort()
      clearInterval(beat)
      clearTimeout(limit)
      unfollow()
      raw.end()
    }
    const send = (progress: Progress): void => {
      if (!this.#open.has(end)) return
      const { detail: _, ...short } = progress
      const told = this.#options.tellsReasons ? progress : short
      raw.write(`data: ${JSON.stringify(told)}\n\n`)
      if (progress.phase === 'ready' || progress.phase === 'failed') end()
    }
    const beat = setInterval(() => raw.write(':\n\n'), BEAT)
    const limit = setTimeout(end, LONGEST)
    const unfollow = this.#options.board.follow(send, app.name)
    this.#open.set(end, client)
    raw.on('close', end)
    const now = this.#now(app)
    send(now)
    if (this.#open.has(end)) this.#others(app, send, abort.signal)
    return true
  }

  /** Ends all streams. */
  end(): void {
    for (const end of [...this.#open.keys()]) end()
  }

  #of(client: string): number {
    let count = 0
    for (const other of this.#open.values()) if (other === client) count++
    return count
  }

  #now(app: App): Progress {
    const { board, backoff } = this.#options
    const current = board.current(app.name)
    if (current) return current
    if (this.#runs(app)) return { app: app.name, phase: 'ready' }
    const pause = backoff.check(canonical(app.name), performance.now())
    if (pause) return { app: app.name, phase: 'failed', detail: pause.reason }
    if (this.#isClaimed(app)) return { app: app.name, phase: 'starting' }
    return { app: app.name, phase: 'failed', detail: 'it is not being started' }
  }

  /** A wake of another launcher shows only in etcd: it ends with an Endpoint, or with its claim. */
  #others(app: App, send: (progress: Progress) => void, signal: AbortSignal): void {
    const over = (): Progress | null => {
      const now = this.#now(app)
      return now.phase === 'ready' || now.phase === 'failed' ? now : null
    }
    this.#options.catalog.when(app.name, over, signal).then(send, () => {})
  }

  #runs(app: App): boolean {
    const { catalog } = this.#options
    for (const slot of catalog.state.slots(app.name).keys())
      if (catalog.claim(app.name, slot)?.value.action !== 'sleep') return true
    return false
  }

  #isClaimed(app: App): boolean {
    for (let slot = 0; slot < app.replicas; slot++)
      if (this.#options.catalog.claim(app.name, slot)) return true
    return false
  }
}
