import type { Host } from '../model/record.ts'
import type { Catalog } from './catalog.ts'

/** What an instance of an app that nobody knows any more may use, bytes: what an App gets that says nothing. */
const UNKNOWN = 512 * 1024 ** 2

/**
 * How much memory is promised on each host: the limits of what runs there, by the Endpoints, and of what this
 * launcher starts there right now. From memory; what other launchers start shows with its Endpoint.
 */
export class Room {
  readonly #catalog: Catalog
  readonly #overcommit: number
  /** bytes of starts under way, by host name */
  readonly #starting = new Map<string, number>()

  /** @param overcommit how many times its memory a host may promise */
  constructor(catalog: Catalog, overcommit: number) {
    this.#catalog = catalog
    this.#overcommit = overcommit
  }

  /** Bytes promised on each of `hosts`, by name. */
  promised(hosts: readonly Host[]): Map<string, number> {
    const { state } = this.#catalog
    const byAddress = new Map<string, number>()
    for (const [name, slots] of state.endpoints) {
      const memory = this.#catalog.find(name)?.limits.memory ?? UNKNOWN
      for (const { value } of slots.values())
        byAddress.set(value.host, (byAddress.get(value.host) ?? 0) + memory)
    }
    return new Map(
      hosts.map(({ name, address }) => [
        name,
        (byAddress.get(address) ?? 0) + (this.#starting.get(name) ?? 0),
      ]),
    )
  }

  /** Bytes a host may promise; Infinity where its memory is not known. */
  limit(host: Host): number {
    return host.memory > 0 ? host.memory * this.#overcommit : Number.POSITIVE_INFINITY
  }

  /** Promises `bytes` for a start. Returns how to take that back: its Endpoint counts from then on. */
  take(host: Host, bytes: number): () => void {
    const add = (more: number): void => {
      const sum = (this.#starting.get(host.name) ?? 0) + more
      if (sum > 0) this.#starting.set(host.name, sum)
      else this.#starting.delete(host.name)
    }
    add(bytes)
    return () => add(-bytes)
  }
}
