import { setTimeout as pause } from 'node:timers/promises'
import { gatewayText } from '../lab/gateway-text.ts'
import { readRoutes } from './agreement.ts'
import type { Subject } from './oracle.ts'

/** Milliseconds between two looks: a route that was gone for less was never gone from nginx, reloads take longer. */
const LOOK = 100

/** Looks all the time whether every gateway routes to all of these apps. */
export class RouteWatch {
  /** by gateway and app: what was missing, once each */
  readonly missing = new Set<string>()
  readonly #subject: Subject
  readonly #apps: readonly string[]
  readonly #ending = new AbortController()
  readonly #running: Promise<void>

  constructor(subject: Subject, apps: readonly string[]) {
    this.#subject = subject
    this.#apps = apps
    this.#running = this.#watch()
    // A fault that broke off stops nobody, and the files are gone with its fleet: who stops it hears of that.
    this.#running.catch(() => {})
  }

  /** The sentences about routes that were gone at any time. */
  async stop(): Promise<string[]> {
    this.#ending.abort()
    await this.#running
    return [...this.missing]
  }

  async #watch(): Promise<void> {
    const { signal } = this.#ending
    while (!signal.aborted) {
      for (const { name, file } of this.#subject.gateways) {
        const routes = readRoutes(await gatewayText(file))
        for (const app of this.#apps)
          if (!routes.has(app)) this.missing.add(`the route of ${app} was gone from ${name}`)
      }
      await pause(LOOK, undefined, { signal }).catch(() => {})
    }
  }
}
