import { type Container, isUp } from '../model/container.ts'
import { type Endpoint, formatEndpoint } from '../model/endpoint.ts'
import { readLabels } from '../model/label.ts'
import { canonical } from '../model/name.ts'
import type { Host } from '../model/record.ts'
import type { Catalog } from './catalog.ts'
import { Census, type Told } from './census.ts'

/** One container of an App, or an endpoint registered for a process that is no container of ours. */
export interface Instance {
  app: string
  slot: number
  /** null if its address is that of no host */
  host: string | null
  /** host:port while it is ready */
  endpoint: string | null
  /** asleep: stopped in order, or never started; exited: ended by itself with an error; paused: asleep, or by hand */
  state: 'ready' | 'starting' | 'stopping' | 'asleep' | 'exited' | 'paused'
  /** id of the container; null if there is none or its engine does not answer */
  container: string | null
  /** of the last run; null while it runs */
  exitCode: number | null
}

export interface FleetOptions {
  catalog: Catalog
  engines: { at(url: string): Told }
}

/** Whether an engine that is silent is given up at once, as for a list that is looked at, or waited for a while. */
export type Haste = 'glance' | 'patient'

/** What ends a container in order: by itself, or by the signals of a stop. */
const ORDERLY = new Set([0, 137, 143])

/** What runs where: the State joined with what the engines of the hosts say. */
export class Fleet {
  readonly #options: FleetOptions
  readonly #census: Census

  constructor(options: FleetOptions) {
    this.#options = options
    this.#census = new Census(options.engines)
  }

  /** Our containers on every host; null for a host whose engine does not answer. */
  async containers(haste: Haste): Promise<Map<Host, Container[] | null>> {
    const hosts = [...this.#options.catalog.state.hosts.values()].map((held) => held.value)
    const ask = ({ engine }: Host): Promise<Container[] | null> =>
      haste === 'glance' ? this.#census.look(engine) : this.#census.list(engine)
    const lists = await Promise.all(hosts.map(ask))
    return new Map(hosts.map((host, index) => [host, lists[index] ?? null]))
  }

  /** Every instance, of one app or of all, by app, slot and host. Endpoints are there even if engines hang. */
  async instances(haste: Haste, app?: string): Promise<Instance[]> {
    const wanted = (name: string): boolean =>
      app === undefined || canonical(name) === canonical(app)
    const found: Instance[] = []
    const claimed = new Set<string>()
    for (const [host, containers] of await this.containers(haste))
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
}

/** Whether it runs or is about to: one that was made but is not being started would never show as anything else. */
function runs(container: Container, waking: boolean): boolean {
  if (container.state === 'created') return waking && container.error === ''
  return isUp(container)
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
