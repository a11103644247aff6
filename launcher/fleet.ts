import type { Container } from '../model/container.ts'
import { type Endpoint, formatEndpoint } from '../model/endpoint.ts'
import { readLabels } from '../model/label.ts'
import { canonical } from '../model/name.ts'
import type { Host } from '../model/record.ts'
import type { Catalog } from './catalog.ts'
import { deadline } from './deadline.ts'

/** One container of an App, or an endpoint registered for a process that is no container of ours. */
export interface Instance {
  app: string
  slot: number
  /** null if its address is that of no host */
  host: string | null
  /** host:port while it is ready */
  endpoint: string | null
  /** asleep: stopped in order, or never started; exited: ended by itself with an error; paused: by hand */
  state: 'ready' | 'starting' | 'stopping' | 'asleep' | 'exited' | 'paused'
  /** id of the container; null if there is none or its engine does not answer */
  container: string | null
  /** of the last run; null while it runs */
  exitCode: number | null
}

export interface FleetOptions {
  catalog: Catalog
  engines: { at(url: string): { list(): Promise<Container[]> } }
}

/** How long an engine may take to say what it has before something is done about it, milliseconds. */
export const PATIENCE = 3_000

/** A call under way. */
interface Asked {
  list: Promise<Container[]>
  /** performance.now() */
  since: number
}

/** What ends a container in order: by itself, or by the signals of a stop. */
const ORDERLY = new Set([0, 137, 143])

/** What runs where: the State joined with what the engines of the hosts say. */
export class Fleet {
  readonly #options: FleetOptions
  /** calls under way by engine: an engine that hangs is asked once, however many want to know */
  readonly #asked = new Map<string, Asked>()

  constructor(options: FleetOptions) {
    this.#options = options
  }

  /** Our containers on every host; null for a host whose engine does not answer within `patience` milliseconds. */
  async containers(patience: number): Promise<Map<Host, Container[] | null>> {
    const hosts = [...this.#options.catalog.state.hosts.values()].map((held) => held.value)
    const lists = await Promise.all(hosts.map((host) => this.#within(patience, host.engine)))
    return new Map(hosts.map((host, index) => [host, lists[index] ?? null]))
  }

  /** Every instance, of one app or of all, by app, slot and host. Endpoints are there even if engines hang. */
  async instances(patience: number, app?: string): Promise<Instance[]> {
    const wanted = (name: string): boolean =>
      app === undefined || canonical(name) === canonical(app)
    const found: Instance[] = []
    const claimed = new Set<string>()
    for (const [host, containers] of await this.containers(patience))
      for (const container of containers ?? []) {
        const instance = this.#instance(host, container)
        if (!instance || !wanted(instance.app)) continue
        if (instance.endpoint) claimed.add(instance.endpoint)
        found.push(instance)
      }
    for (const [, slots] of this.#options.catalog.state.endpoints)
      for (const [slot, { value, entry }] of slots) {
        const key = this.#options.catalog.keys.parse(entry.key)
        if (key?.kind !== 'endpoint' || !wanted(key.app)) continue
        if (!claimed.has(formatEndpoint(value))) found.push(this.#registered(key.app, slot, value))
      }
    return found.sort(
      (a, b) =>
        compare(canonical(a.app), canonical(b.app)) ||
        a.slot - b.slot ||
        compare(a.host ?? '', b.host ?? ''),
    )
  }

  #instance(host: Host, container: Container): Instance | null {
    const labels = readLabels(container.labels)
    if (!labels.ok) return null
    const { app, slot, port } = labels.spec
    const { keys, state } = this.#options.catalog
    const claim = state.claims.get(keys.claim(app, slot))?.value.action
    const running = runs(container, claim === 'wake')
    const published = container.published[String(port)]
    const endpoint = state.slots(app).get(slot)?.value
    const ready =
      running &&
      endpoint !== undefined &&
      endpoint.port === published?.port &&
      endpoint.host === host.address
    return {
      app,
      slot,
      host: host.name,
      endpoint: ready ? formatEndpoint(endpoint) : null,
      state: stateOf(container, { running, ready, stopping: claim === 'sleep' }),
      container: container.id,
      exitCode: running ? null : container.exitCode,
    }
  }

  #registered(app: string, slot: number, endpoint: Endpoint): Instance {
    const hosts = [...this.#options.catalog.state.hosts.values()]
    return {
      app,
      slot,
      host: hosts.find(({ value }) => value.address === endpoint.host)?.value.name ?? null,
      endpoint: formatEndpoint(endpoint),
      state: 'ready',
      container: null,
      exitCode: null,
    }
  }

  /**
   * What the engine has, or null if it fails or takes longer. Who comes while one that hangs is asked already waits only
   * for what is left of the patience.
   */
  #within(patience: number, url: string): Promise<Container[] | null> {
    const { list, since } = this.#list(url)
    const left = patience - (performance.now() - since)
    return deadline(Math.max(0, left), () => list).catch(() => null)
  }

  #list(url: string): Asked {
    const asked = this.#asked.get(url)
    if (asked) return asked
    const list = (async () => this.#options.engines.at(url).list())().finally(() =>
      this.#asked.delete(url),
    )
    const fresh = { list, since: performance.now() }
    this.#asked.set(url, fresh)
    return fresh
  }
}

/** Whether it runs or is about to: one that was made but is not being started would never show as anything else. */
function runs(container: Container, waking: boolean): boolean {
  if (container.state === 'created') return waking && container.error === ''
  return !['exited', 'dead', 'removing'].includes(container.state)
}

function stateOf(
  container: Container,
  is: { running: boolean; ready: boolean; stopping: boolean },
): Instance['state'] {
  if (container.state === 'paused') return 'paused'
  if (is.running) return is.stopping ? 'stopping' : is.ready ? 'ready' : 'starting'
  return endedInOrder(container) ? 'asleep' : 'exited'
}

/** Whether what does not run was stopped, or ended without an error. */
export function endedInOrder({ exitCode }: Container): boolean {
  return ORDERLY.has(exitCode)
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
