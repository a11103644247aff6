import { createHash } from 'node:crypto'
import type { App } from '../../model/app.ts'
import { APP_LABEL } from '../../model/label.ts'
import { canonical } from '../../model/name.ts'
import { ProblemError } from '../../model/problem.ts'
import type { Held } from '../../model/state.ts'
import type { Control } from '../api/control.ts'
import type { Core } from '../api/core.ts'
import type { Log } from '../api/options.ts'
import type { Catalog } from '../catalog.ts'

export interface DeploymentsOptions extends Pick<Core, 'apps' | 'fleet' | 'sleeper'> {
  catalog: Catalog
  control: Pick<Control, 'wake' | 'prove'>
  log: Log
}

/** What says on a container that the spawner made it. */
const ORIGIN = 'spawner'
/** Networks there may be: each takes a subnet of its host, of which an engine has some thirty. */
const NETWORKS = 16

/** The apps that were made by the spawner. It sees no others, and touches none. */
export class Deployments {
  readonly #options: DeploymentsOptions

  constructor(options: DeploymentsOptions) {
    this.#options = options
  }

  list(): Held<App>[] {
    return this.#options.apps.list().filter(({ value }) => value.origin === ORIGIN)
  }

  /** By name or id. Throws ProblemError `unknown-app`, also for what somebody else made. */
  get(text: string): Held<App> {
    const found = this.list().find(
      (held) => canonical(held.value.name) === canonical(text) || idOf(held) === text,
    )
    if (!found) throw new ProblemError('unknown-app')
    return found
  }

  /**
   * Makes an app and starts it. Resolves when it is ready and gateways lead to it; where that does not come, nothing of
   * it is left. Throws ProblemError.
   */
  async create(app: App): Promise<Held<App>> {
    await this.#refuseTaken(app)
    this.#refuseNetworks(app)
    const revision = await this.#options.apps.create(app)
    try {
      await this.start(app.name)
    } catch (error) {
      await this.#options.sleeper.remove(app.name, { expected: revision }).catch((reason) => {
        const fields = { app: app.name, reason: String(reason) }
        this.#options.log.warn(fields, 'what failed to start was not removed')
      })
      throw error
    }
    return this.get(app.name)
  }

  /** Starts an app. Resolves when it is ready and gateways lead to it, or stops it again. Throws ProblemError. */
  async start(name: string): Promise<void> {
    const { control } = this.#options
    await control.wake(name)
    await control.prove(name)
  }

  /** Stops an app and removes all of it. */
  async remove({ value, entry }: Held<App>): Promise<void> {
    const { sleeper } = this.#options
    await sleeper.remove(value.name, { expected: entry.modRevision })
  }

  /** A name is free where it is nobody's: of no App, stored or made by a blueprint, no pool and no container. */
  async #refuseTaken({ name }: App): Promise<void> {
    const { catalog, fleet } = this.#options
    const isOurs = (labels: Record<string, string>): boolean => labels.origin === ORIGIN
    const others = [...(await fleet.containers('patient')).values()]
      .flatMap((containers) => containers ?? [])
      .filter(({ labels }) => canonical(labels[APP_LABEL] ?? '') === canonical(name))
      .filter(({ labels }) => !isOurs(labels))
    const { state } = catalog
    const isKnown = catalog.find(name) || state.pools.has(canonical(name))
    if (isKnown || state.slots(name).size > 0 || others.length > 0)
      throw new ProblemError('conflict', { detail: `the name ${name} is taken` })
  }

  #refuseNetworks({ group }: App): void {
    const groups = new Set(this.list().flatMap(({ value }) => value.group ?? []))
    if (group === undefined || groups.has(group) || groups.size < NETWORKS) return
    const message = `there are ${NETWORKS} networks already: use one of them`
    throw new ProblemError('invalid-input', { errors: [{ path: 'network', message }] })
  }
}

/** 64 hexadecimal digits, one more than a name may have: another app under an old name has another id. */
export function idOf({ value, entry }: Held<App>): string {
  const text = `${canonical(value.name)}@${entry.createRevision}`
  return createHash('sha256').update(text).digest('hex')
}
