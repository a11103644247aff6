import { formatEndpoint } from '../model/endpoint.ts'
import type { ReadonlySlots } from '../model/state.ts'

/** Requests that an instance has right now. Of one that nobody knows, app and slot are ''. */
export interface Flight {
  app: string
  slot: string
  requests: number
}

export interface FlightOptions {
  /** lines of `<address> <requests>`, null if nobody is there to tell; rejects if somebody is, and silent */
  count(): Promise<string | null>
  /** by canonical app name, then slot: an address is one instance's at a time */
  endpoints(): Iterable<readonly [string, ReadonlySlots]>
}

type Owner = Omit<Flight, 'requests'>

/** Says whose the requests are that nginx counts by address. Looks only when it is asked. */
export class Flights {
  readonly #options: FlightOptions
  /** by address, as of the last look that was answered: one that drains has requests, and is no Endpoint any more */
  #owners = new Map<string, Owner>()

  constructor(options: FlightOptions) {
    this.#options = options
  }

  /** null where nginx does not tell, or not in time. Does not reject. */
  async look(): Promise<Flight[] | null> {
    const text = await this.#options.count().catch(() => null)
    if (text === null) return null
    const before = this.#owners
    this.#owners = this.#present()
    return text.split('\n').flatMap((line) => {
      const [address, requests] = line.split(' ')
      if (!address || !requests) return []
      const owner = this.#owners.get(address) ?? before.get(address) ?? { app: '', slot: '' }
      this.#owners.set(address, owner)
      return { ...owner, requests: Number(requests) }
    })
  }

  #present(): Map<string, Owner> {
    const owners = new Map<string, Owner>()
    for (const [app, slots] of this.#options.endpoints())
      for (const [slot, { value }] of slots)
        owners.set(formatEndpoint(value), { app, slot: String(slot) })
    return owners
  }
}
