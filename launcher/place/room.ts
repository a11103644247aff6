import type { App } from '../../model/app.ts'
import { canonical } from '../../model/name.ts'
import type { Host } from '../../model/record.ts'
import type { Catalog } from '../catalog.ts'

/** What instances may use: one of them, or all on a host. */
export interface Amount {
  /** bytes */
  memory: number
  cpus: number
  instances: number
}

/** What is on a host already, as one slot sees it that is to be placed. */
export interface Occupancy {
  promised: Amount
  /** other instances of the slot's app */
  siblings: number
}

export interface RoomOptions {
  /** how many times its memory a host may promise */
  overcommit: number
  /** how many times its CPUs: unlike memory they are only shared out more thinly */
  cpuOvercommit: number
  instancesPerHost: number
}

/** What an instance of an app that nobody knows any more may use: what an App gets that says nothing. */
const UNKNOWN: Amount = { memory: 512 * 1024 ** 2, cpus: 1, instances: 1 }

const EMPTY: Occupancy = { promised: { memory: 0, cpus: 0, instances: 0 }, siblings: 0 }

/** What one instance of an app may use. */
export function needOf(app: App | null): Amount {
  return app ? { memory: app.limits.memory, cpus: app.limits.cpus, instances: 1 } : UNKNOWN
}

/** The sum of two amounts. */
export function plus(a: Amount, b: Amount): Amount {
  return {
    memory: a.memory + b.memory,
    cpus: a.cpus + b.cpus,
    instances: a.instances + b.instances,
  }
}

/** One slot on one host. */
export interface Seat {
  app: string
  slot: number
  host: string
  need: Amount
  /** etcd has it: nobody else counts without it */
  certain: boolean
}

/** With one more seat, as a slot of `app` sees it. */
function withSeat({ promised, siblings }: Occupancy, seat: Seat, app: string): Occupancy {
  const isSibling = canonical(seat.app) === canonical(app)
  return { promised: plus(promised, seat.need), siblings: siblings + Number(isSibling) }
}

/**
 * What is promised on each host: the limits of what runs there, by the Endpoints, of what is paused there, by its record,
 * of what launchers start there, by their claims, and of what this one has just placed. A slot counts once on a host, however it is known. From memory.
 */
export class Room {
  readonly #catalog: Catalog
  readonly #options: RoomOptions
  /** placed here and maybe not seen in etcd yet, by claim key */
  readonly #placed = new Map<string, Seat>()

  constructor(catalog: Catalog, options: RoomOptions) {
    this.#catalog = catalog
    this.#options = options
  }

  /** How full each of `hosts` is, by name; the slot itself does not count, nor what is paused if that is not to. */
  occupancy(
    hosts: readonly Host[],
    app: string,
    slot: number,
    withPaused = true,
  ): Map<string, Occupancy> {
    const own = this.#key(app, slot)
    const found = new Map<string, Occupancy>(hosts.map(({ name }) => [name, EMPTY]))
    const seen = new Set<string>()
    for (const seat of this.#seats(hosts, withPaused)) {
      const key = this.#key(seat.app, seat.slot)
      const there = found.get(seat.host)
      if (!there || key === own || seen.has(`${key}@${seat.host}`)) continue
      seen.add(`${key}@${seat.host}`)
      found.set(seat.host, withSeat(there, seat, app))
    }
    return found
  }

  /**
   * How full a host is by what etcd has, by its own word, for as many slots as want to know: all Endpoints are looked
   * through once and not for each of them. As of now.
   */
  certain(host: Host): (app: string, slot: number) => Occupancy {
    const seats = new Map<string, Seat>()
    for (const seat of this.#seats([host])) {
      const key = this.#key(seat.app, seat.slot)
      if (seat.certain && seat.host === host.name && !seats.has(key)) seats.set(key, seat)
    }
    return (app, slot) => {
      const own = seats.get(this.#key(app, slot))
      const others = [...seats.values()].filter((seat) => seat !== own)
      return others.reduce((sum, seat) => withSeat(sum, seat, app), EMPTY)
    }
  }

  /** What a host may promise; Infinity where it is not known what it has. */
  limit({ memory, cpus }: Host): Amount {
    const { overcommit, cpuOvercommit, instancesPerHost } = this.#options
    return {
      memory: memory > 0 ? memory * overcommit : Number.POSITIVE_INFINITY,
      cpus: cpus > 0 ? cpus * cpuOvercommit : Number.POSITIVE_INFINITY,
      instances: instancesPerHost,
    }
  }

  /** Counts a slot on a host from now on. */
  take(app: App, slot: number, host: Host): Seat {
    const seat = { app: app.name, slot, host: host.name, need: needOf(app), certain: false }
    this.#placed.set(this.#key(app.name, slot), seat)
    return seat
  }

  /** Counts a seat no longer: its Endpoint counts by now, or nothing is there. */
  leave(seat: Seat): void {
    const key = this.#key(seat.app, seat.slot)
    if (this.#placed.get(key) === seat) this.#placed.delete(key)
  }

  *#seats(hosts: readonly Host[], withPaused = true): Generator<Seat> {
    const { state, keys } = this.#catalog
    const byAddress = new Map<string, string[]>()
    for (const { name, address } of hosts)
      byAddress.set(address, [...(byAddress.get(address) ?? []), name])
    for (const [app, slots] of state.endpoints)
      for (const [slot, { value }] of slots)
        for (const host of byAddress.get(value.host) ?? [])
          yield { app, slot, host, need: needOf(this.#catalog.find(app)), certain: true }
    for (const { name } of withPaused ? hosts : [])
      for (const text of state.hosts.get(name)?.value.paused ?? []) {
        const [app = '', slot] = text.split('/')
        const need = needOf(this.#catalog.find(app))
        yield { app: canonical(app), slot: Number(slot), host: name, need, certain: true }
      }
    for (const { value, entry } of state.claims.values()) {
      const key = keys.parse(entry.key)
      if (value.host === undefined || key?.kind !== 'claim') continue
      const { memory = UNKNOWN.memory, cpus = UNKNOWN.cpus } = value
      yield { ...key, host: value.host, need: { memory, cpus, instances: 1 }, certain: true }
    }
    yield* this.#placed.values()
  }

  #key(app: string, slot: number): string {
    return this.#catalog.keys.claim(canonical(app), slot)
  }
}
