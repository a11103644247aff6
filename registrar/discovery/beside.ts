import type { Logger } from 'pino'
import type { App } from '../../model/app.ts'
import { besides, type Found } from './candidate.ts'

export interface BesideOptions {
  /** what comes before the names of apps, '' for nothing */
  pathPrefix: string
  /** the App that is stored under a name */
  app(name: string): Pick<App, 'route'> | undefined
  log: Logger
}

/** Keeps what was discovered apart from apps: what is an app's by its name stays the app's. Each case is told once. */
export class Beside {
  readonly #options: BesideOptions
  #told = new Set<string>()

  constructor(options: BesideOptions) {
    this.#options = options
  }

  /** What may be had of `wanted`, by address. */
  free(wanted: ReadonlyMap<string, Found>): Map<string, Found> {
    const { pathPrefix, app, log } = this.#options
    const free = new Map<string, Found>()
    const told = new Set<string>()
    for (const [address, pool] of wanted) {
      const left = besides(pool, pathPrefix, (name) => app(name))
      if (left) free.set(address, left)
      const lost = left ? pool.routes.filter((route) => !left.routes.includes(route)) : pool.routes
      if (left && lost.length === 0) continue
      const text = `${pool.name} ${left === null} ${lost.join(' ')}`
      if (!this.#told.has(text) && !told.has(text))
        log.warn({ pool: pool.name, lost }, 'an app has that name: it is not for a container')
      told.add(text)
    }
    this.#told = told
    return free
  }
}
