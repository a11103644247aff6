import type { Logger } from 'pino'
import { formatEndpoint } from '../model/endpoint.ts'
import type { Keys } from '../model/key.ts'
import type { Member, Roster } from './roster.ts'

/** Where Endpoints go. */
export interface Publisher {
  publish(key: string, value: string): void
  withdraw(key: string): Promise<string | null>
  wanted(key: string): string | null
  keys(): string[]
}

/** Which container each Endpoint key is about: at most one, and should there be two for a slot, the first. */
export class Holders {
  readonly #roster: Roster
  readonly #publisher: Publisher
  readonly #keys: Keys
  readonly #log: Logger
  /** by endpoint key: container id */
  readonly #holders = new Map<string, string>()

  constructor(roster: Roster, publisher: Publisher, keys: Keys, log: Logger) {
    this.#roster = roster
    this.#publisher = publisher
    this.#keys = keys
    this.#log = log
  }

  keyOf({ instance }: Member): string {
    return this.#keys.endpoint(instance.spec.app, instance.spec.slot)
  }

  /** The container that `key` is about. */
  at(key: string): Member | undefined {
    return this.#roster.get(this.#holders.get(key) ?? '')
  }

  /** Whether etcd is to have this very Endpoint of the member's slot already. */
  isRouted(member: Member, endpoint: Member['instance']['endpoint']): boolean {
    return (
      endpoint !== null && this.#publisher.wanted(this.keyOf(member)) === formatEndpoint(endpoint)
    )
  }

  /** Publishes the member's Endpoint or withdraws it, as its state asks for. */
  settle(member: Member): void {
    const { id, phase, endpoint } = member.instance
    const key = this.keyOf(member)
    const holder = this.#holders.get(key)
    if (phase === 'ready' && !member.isDraining && endpoint) {
      if (holder !== undefined && holder !== id)
        return this.#log.warn({ key, container: id }, 'another container has this slot')
      this.#holders.set(key, id)
      return this.#publisher.publish(key, formatEndpoint(endpoint))
    }
    if (holder !== id) return
    this.#holders.delete(key)
    void this.#publisher.withdraw(key)
    for (const other of this.#roster.values())
      if (other !== member && this.keyOf(other) === key) this.settle(other)
  }

  /** Takes the member's Endpoint away. See {@link Publication.withdraw}. */
  async withdraw(member: Member): Promise<string | null> {
    const key = this.keyOf(member)
    if (this.#holders.get(key) !== member.instance.id) return '0'
    this.settle(member)
    return this.#publisher.withdraw(key)
  }

  /** Keys that are wanted in etcd and that no container of this host holds. */
  orphans(): { key: string; value: string }[] {
    return this.#publisher
      .keys()
      .filter((key) => !this.#holders.has(key))
      .map((key) => ({ key, value: this.#publisher.wanted(key) ?? '' }))
  }

  /** Withdraws a key that no container holds. */
  drop(key: string): void {
    if (!this.#holders.has(key)) void this.#publisher.withdraw(key)
  }
}
