import type { Entry } from '../../model/entry.ts'
import type { Keys } from '../../model/key.ts'
import { POOL_SLOTS } from '../../model/pool.ts'
import type { EndpointStore } from '../endpoint-store.ts'
import type { Found } from './candidate.ts'

/** etcd as it is used here. */
export interface DiscoveryStore extends EndpointStore {
  get(key: string): Promise<Entry | null>
  listAll(prefixes: string[]): Promise<{ entries: Entry[] }>
}

/** What is to be in etcd: by address, the pool it belongs to. */
export type Wanted = ReadonlyMap<string, Found>

/** Settlements between looks whether what was written is still there. */
const LOOK = 5

/**
 * Brings what was discovered into etcd: a Pool record, and an Endpoint for each address in the lowest slot that nobody
 * has. Registrars of several hosts share a pool; each adds and removes its own entries, all under its lease. What it
 * does not manage is done at the next settlement. Unlike the vouching of `reveille pool` it follows no news of etcd,
 * as settlements come every other second anyway.
 */
export class Enrolment {
  readonly #store: DiscoveryStore
  readonly #keys: Keys
  /** by address */
  readonly #written = new Map<string, { pool: Found; key: string }>()
  readonly #pools = new Map<string, Found>()
  /** leases of runs before this one, of which something was found */
  readonly #earlier = new Set<string>()
  #lease = ''
  #round = 0

  constructor(store: DiscoveryStore, keys: Keys) {
    this.#store = store
    this.#keys = keys
  }

  /** Makes etcd say what is wanted, under `lease`. Returns what changed. Throws where etcd does not answer. */
  async settle(wanted: Wanted, lease: string): Promise<{ added: string[]; removed: string[] }> {
    if (lease !== this.#lease) {
      this.#written.clear()
      this.#pools.clear()
    }
    this.#lease = lease
    const looks = this.#round++ % LOOK === 0
    const changes = { added: [] as string[], removed: [] as string[] }
    for (const [address, { pool, key }] of this.#written) {
      if (wanted.get(address)?.name === pool.name) {
        if (looks && (await this.#store.get(key))?.value !== address) this.#written.delete(address)
        continue
      }
      await this.#store.remove(key, { lease })
      this.#written.delete(address)
      changes.removed.push(address)
    }
    const pools = new Map([...wanted.values()].map((pool) => [pool.name, pool]))
    // One that is missing takes its routes along, so this is looked at each time, all of them at once.
    const records = pools.size > 0 ? await this.#records() : new Map<string, Entry>()
    for (const pool of pools.values()) await this.#describe(pool, records)
    for (const [address, pool] of wanted) {
      if (this.#written.has(address) || isKept(records.get(this.#record(pool.name)))) continue
      if (await this.#add(address, pool)) changes.added.push(address)
    }
    for (const { name } of pools.values()) await this.#inherit(records.get(this.#record(name)))
    for (const pool of this.#pools.values()) if (!pools.has(pool.name)) await this.#close(pool)
    return changes
  }

  #record(pool: string): string {
    return this.#keys.named('pool', pool)
  }

  async #records(): Promise<Map<string, Entry>> {
    const { entries } = await this.#store.listAll([this.#keys.folder('pool')])
    return new Map(entries.map((entry) => [entry.key, entry]))
  }

  /** One record for all hosts, under the lease of whoever wrote it: where that one ends, another writes it anew. */
  async #describe({ name, routes }: Found, records: ReadonlyMap<string, Entry>): Promise<void> {
    const key = this.#record(name)
    const value = JSON.stringify({ name, routes })
    const record = records.get(key)
    const { modRevision = '', lease } = record ?? {}
    if (!record) await this.#store.create(key, value, { lease: this.#lease })
    // An app came or went whose name is in them.
    else if (lease === this.#lease && record.value !== value)
      await this.#store.replace(key, value, { modRevision, lease })
    this.#pools.set(name, { name, routes })
  }

  /** What the run before this one wrote is to live on. */
  async #inherit(record: Entry | undefined): Promise<void> {
    if (!record || !this.#earlier.has(record.lease)) return
    const { key, value, modRevision } = record
    await this.#store.replace(key, value, { modRevision, lease: this.#lease })
  }

  async #add(address: string, pool: Found): Promise<boolean> {
    const lease = this.#lease
    for (let slot = 0; slot < POOL_SLOTS; slot++) {
      const key = this.#keys.endpoint(pool.name, slot)
      const { won, holder } = await this.#store.create(key, address, { lease })
      // What names our address is about our container: the run before this one wrote it.
      const isOurs = holder?.value === address
      if (!won && !isOurs) continue
      if (!won && holder && holder.lease !== lease) {
        await this.#store.replace(key, address, { modRevision: holder.modRevision, lease })
        if (holder.lease !== '0') this.#earlier.add(holder.lease)
      }
      this.#written.set(address, { pool, key })
      return true
    }
    return false
  }

  /** The last of our servers left: the record goes, unless other hosts have some; then it goes with the last of those. */
  async #close(pool: Found): Promise<void> {
    const folder = this.#keys.endpoint(pool.name, 0)
    const { entries } = await this.#store.listAll([folder])
    const isUsed = entries.some(({ key }) => key === folder || key.startsWith(`${folder}/`))
    if (isUsed) return
    await this.#store.remove(this.#record(pool.name), { lease: this.#lease })
    this.#pools.delete(pool.name)
  }
}

/** Whether a pool is one of `reveille pool`, which says more of it than discovery does: what it vouches for is all of it. */
function isKept(record: Entry | undefined): boolean {
  return record !== undefined && record.lease !== '0' && record.value.includes('"balance"')
}
