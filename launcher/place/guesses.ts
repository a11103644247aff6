import type { App } from '../../model/app.ts'
import { canonical } from '../../model/name.ts'
import { Recent } from '../../model/recent.ts'
import type { Host } from '../../model/record.ts'
import type { Catalog } from '../catalog.ts'

/** Of so many apps is remembered where they were. */
const REMEMBERED = 10_000

/** Where an app will go in all likelihood, before any engine has said what is there of it: where it was. From memory. */
export class Guesses {
  readonly #catalog: Catalog
  /** by canonical name: the host of its last start here */
  readonly #last = new Recent<string, string>(REMEMBERED)

  constructor(catalog: Catalog) {
    this.#catalog = catalog
  }

  /** An app was started on a host. */
  note(app: App, host: Host): void {
    this.#last.set(canonical(app.name), host.name)
  }

  /**
   * The host, or null where it cannot be told. Nothing is guessed for an app with more than one instance, as others are
   * placed by where the first ones go; nor for one that needs others: it would have its room while those seek theirs.
   */
  of(app: App): Host | null {
    if (app.replicas > 1 || app.dependsOn.length > 0) return null
    const { hosts, drains } = this.#catalog.state
    const [only] = hosts.size === 1 ? hosts.keys() : []
    const name = this.#last.get(canonical(app.name)) ?? only
    if (name === undefined || drains.has(name)) return null
    return hosts.get(name)?.value ?? null
  }
}
