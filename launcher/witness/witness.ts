import type { Logger } from 'pino'
import { type Container, type EngineEvent, isUp } from '../../model/container.ts'
import { type Endpoint, formatEndpoint } from '../../model/endpoint.ts'
import { readLabels } from '../../model/label.ts'
import { canonical } from '../../model/name.ts'
import type { Host } from '../../model/record.ts'
import type { Held } from '../../model/state.ts'
import type { Catalog, Change } from '../catalog.ts'

/** What a container that ran was seen to publish. */
interface Sight {
  app: string
  slot: number
  port: number
  /** '0.0.0.0' and '::' are every address of the host */
  address: string
}

export interface WitnessOptions {
  /** name of the host */
  host: string
  catalog: Catalog
  engine: {
    list(): Promise<Container[]>
    inspect(id: string): Promise<Container | null>
  }
  /** null: it is not as of that revision any more */
  store: { remove(key: string, options: { modRevision: string }): Promise<string | null> }
  log: Logger
}

/** How long an end is remembered for an Endpoint of it that is heard of later, milliseconds. */
const MEMORY = 60_000
const EVERYWHERE = new Set(['0.0.0.0', '::'])

/**
 * A second witness of what ends on a host. Its registrar is the first; but while that is stopped or dead, an Endpoint
 * outlives its container until the lease ends, and the port may be another app's by then. Only the Endpoint of a
 * container that we saw running is ever removed, when none of its slot runs there any more and nobody wrote it anew.
 */
export class Witness {
  readonly #options: WitnessOptions
  /** by container id: those that run */
  readonly #sights = new Map<string, Sight>()
  /** by id of a container that is looked at: whether it ended meanwhile, and when the look is over */
  readonly #looks = new Map<string, { isOver: boolean; done: Promise<void> }>()
  /** those that ended, and when */
  #ended: { sight: Sight; at: number }[] = []
  #doubted: Sight[] = []
  #isBusy = false

  constructor(options: WitnessOptions) {
    this.#options = options
  }

  /** Takes a full list: what ran and does not any more has ended, though no event told it. */
  takeList(containers: readonly Container[]): void {
    const running = new Set<string>()
    for (const container of containers) if (this.#see(container)) running.add(container.id)
    for (const id of [...this.#sights.keys()]) if (!running.has(id)) this.#end(id)
  }

  take({ action, id }: EngineEvent): void {
    if (action === 'start') this.#look(id)
    if (action !== 'die' && action !== 'destroy' && action !== 'cut') return
    const look = this.#looks.get(id)
    if (look) look.isOver = true
    this.#end(id)
  }

  /** Takes news from etcd: an Endpoint may come later than the end of its container. */
  observe(batch: readonly Change[]): void {
    if (this.#ended.length === 0) return
    const { keys } = this.#options.catalog
    for (const change of batch) {
      const key = change.type === 'put' ? keys.parse(change.entry.key) : null
      if (key?.kind !== 'endpoint') continue
      for (const { sight } of this.#ended) if (isOf(sight, key)) this.#doubt(sight)
    }
  }

  #look(id: string): void {
    const inspect = async (): Promise<void> => {
      const container = await this.#options.engine.inspect(id).catch(() => null)
      if (this.#looks.get(id) === look) this.#looks.delete(id)
      if (container) this.#see(container)
      if (look.isOver) this.#end(id)
    }
    const look = { isOver: false, done: inspect() }
    this.#looks.set(id, look)
  }

  /** Whether it runs. */
  #see(container: Container): boolean {
    const sight = sightOf(container)
    const isThere = isUp(container) && !container.isCut
    if (isThere && sight) this.#sights.set(container.id, sight)
    return isThere
  }

  #end(id: string): void {
    const sight = this.#sights.get(id)
    if (!sight) return
    this.#sights.delete(id)
    const now = performance.now()
    this.#ended = this.#ended.filter(({ at }) => now - at < MEMORY)
    this.#ended.push({ sight, at: now })
    this.#doubt(sight)
  }

  #doubt(sight: Sight): void {
    this.#doubted.push(sight)
    if (!this.#isBusy) void this.#work()
  }

  async #work(): Promise<void> {
    this.#isBusy = true
    while (this.#doubted.length > 0)
      try {
        await this.#judge(this.#doubted.splice(0))
      } catch (error) {
        // the engine or etcd is away: the registrar, the next list or the lease's end has the last word
        this.#options.log.debug({ host: this.#options.host, error: String(error) }, 'not looked')
      }
    this.#isBusy = false
  }

  /**
   * Removes the Endpoints that are left of `sights`, after a look at what runs that is later than all of them: but for one
   * that was seen to run at the same port again, as in a sandbox each wake has the address of the one before.
   */
  async #judge(sights: readonly Sight[]): Promise<void> {
    const { engine, store, log, host } = this.#options
    await Promise.all([...this.#looks.values()].map(({ done }) => done))
    const suspects = sights.flatMap((sight) => {
      const held = this.#isBack(sight) ? null : this.#left(sight)
      return held ? [{ sight, held }] : []
    })
    if (suspects.length === 0) return
    const containers = await engine.list()
    const remove = async ({ sight, held }: (typeof suspects)[number]): Promise<void> => {
      const { key, modRevision } = held.entry
      const holders = containers.filter((container) => mayHold(container, sight))
      for (const container of holders) this.#see(container)
      // mostly its registrar was there first
      if (holders.length > 0 || this.#left(sight)?.entry.modRevision !== modRevision) return
      if ((await store.remove(key, { modRevision })) === null) return
      const endpoint = formatEndpoint(held.value)
      log.info({ key, endpoint, host }, 'its container ended and its registrar did not say so')
    }
    await Promise.all(suspects.map(remove))
  }

  #isBack(sight: Sight): boolean {
    return [...this.#sights.values()].some(
      (other) => other.port === sight.port && isOf(other, sight),
    )
  }

  /** The Endpoint in etcd that is about what was seen: at its address, and written by the registrar of this host. */
  #left(sight: Sight): Held<Endpoint> | null {
    const { state } = this.#options.catalog
    const host = state.hosts.get(this.#options.host)
    const held = state.slots(sight.app).get(sight.slot)
    if (!host || !held || held.entry.lease !== host.entry.lease) return null
    const { host: address, port } = held.value
    const isThere = address === sight.address || EVERYWHERE.has(sight.address)
    const isOnHost = address === host.value.address && isOnly(host.value, [...state.hosts.values()])
    return isThere && isOnHost && port === sight.port ? held : null
  }
}

/** Whether its address is no other host's, too: then nobody could tell whose container an Endpoint is about. */
function isOnly(host: Host, all: readonly Held<Host>[]): boolean {
  return all.every(({ value }) => value.name === host.name || value.address !== host.address)
}

/** What it publishes for its app; null if it is none of ours, or does not say. */
function sightOf(container: Container): Sight | null {
  const labels = readLabels(container.labels)
  if (!labels.ok) return null
  const { app, slot, port } = labels.spec
  const published = container.published[String(port)]
  return published ? { app, slot, port: published.port, address: published.host } : null
}

/** Whether it is a container of the slot that runs, and is not seen to be at another port. */
function mayHold(container: Container, sight: Sight): boolean {
  const labels = readLabels(container.labels)
  if (!labels.ok || !isUp(container) || container.isCut) return false
  return isOf(labels.spec, sight) && (sightOf(container)?.port ?? sight.port) === sight.port
}

type Slot = Pick<Sight, 'app' | 'slot'>

function isOf(one: Slot, other: Slot): boolean {
  return one.slot === other.slot && canonical(one.app) === canonical(other.app)
}
