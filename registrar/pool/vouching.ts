import type { Logger } from 'pino'
import type { Keys } from '../../model/key.ts'
import type { Pool } from '../../model/pool.ts'
import type { ClusterChange } from '../cluster.ts'
import { Backoff, pause } from '../pause.ts'
import { Abandoned } from './abandoned.ts'
import { Ledger } from './ledger.ts'
import { isFull, type KnownLeases, type Move, movesOf, recordMoves } from './moves.ts'
import type { VouchStore } from './ports.ts'

export interface VouchingOptions {
  keys: Keys
  store: VouchStore
  pools: readonly Pool[]
  /** Somebody removed a server of ours, who may know better. */
  onDoubt(pool: string, address: string): void
  /** etcd said that our lease is gone. */
  onLeaseGone(): void
  onWrite(change: 'registered' | 'removed'): void
  log: Logger
}

/** Keeps the pools of this process in etcd as they are to be, one round of writes at a time, for ever. */
export class Vouching {
  readonly #options: VouchingOptions
  readonly #ledger: Ledger
  readonly #wanted = new Map<string, ReadonlySet<string>>()
  /** by pool: the slot of each server */
  readonly #last = new Map<string, Map<string, number>>()
  readonly #own = new Set<string>()
  #present: string | null = null
  readonly #abandoned: Abandoned
  readonly #ending = new AbortController()
  #hurry = new AbortController()
  readonly #told = new Set<string>()

  constructor(options: VouchingOptions) {
    this.#options = options
    this.#ledger = new Ledger(options.keys)
    this.#abandoned = new Abandoned(options.store, {
      others: () => [...this.#ledger.leases()].filter((id) => id !== '0' && !this.#own.has(id)),
      onNews: () => this.#hurry.abort(),
    })
    for (const { name } of options.pools) this.#last.set(name, new Map())
  }

  /** Prefixes whose changes {@link observe} wants to see. */
  get prefixes(): string[] {
    const { keys, pools } = this.#options
    return pools.flatMap(({ name }) => [keys.endpoint(name, 0), keys.named('pool', name)])
  }

  /** Servers of a pool that somebody vouches for. */
  members(pool: string): string[] {
    return [...this.#ledger.slots(pool).values()].map(({ value }) => value)
  }

  /** Begins. What etcd has must have been told by then. */
  start(): void {
    void this.#work()
    this.#abandoned.start()
  }

  /** Everything moves under `lease`. */
  useLease(lease: string): void {
    this.#own.add(lease)
    this.#present = lease
    this.#hurry.abort()
  }

  /** This process vouches for these servers of a pool, and no others. */
  want(pool: string, addresses: ReadonlySet<string>): void {
    this.#wanted.set(pool, addresses)
    this.#hurry.abort()
  }

  observe(change: ClusterChange, revision: string): void {
    const key = this.#options.keys.parse(change.type === 'put' ? change.entry.key : change.key)
    const pool = key?.kind === 'endpoint' ? key.app : key?.kind === 'pool' ? key.name : ''
    if (!this.#last.has(pool)) return
    const removed = this.#ledger.observe(change, revision)
    if (removed && key?.kind === 'endpoint' && this.#wanted.get(pool)?.has(removed.value))
      this.#options.onDoubt(pool, removed.value)
    this.#hurry.abort()
  }

  /** Ends. What is in etcd stays there until the lease ends, or until the next process takes it over. */
  stop(): void {
    this.#abandoned.stop()
    this.#ending.abort()
    this.#hurry.abort()
  }

  async #work(): Promise<void> {
    const backoff = new Backoff()
    let hasFailed = false
    while (!this.#ending.signal.aborted) {
      this.#hurry = new AbortController()
      const moves = this.#moves()
      if (moves.length === 0) {
        backoff.reset()
        await pause(60_000, this.#hurry.signal)
        continue
      }
      const results = await Promise.allSettled(moves.map((move) => this.#make(move)))
      const failure = results.find((result) => result.status === 'rejected')
      if (failure) {
        const { message: reason, code } = failure.reason as Error & { code?: unknown }
        if (!hasFailed) this.#options.log.warn({ reason }, 'etcd write failed')
        if (code === 'lease-gone') this.#options.onLeaseGone()
      }
      hasFailed = failure !== undefined
      const isDone = results.every(
        ({ status }, i) => status === 'fulfilled' && this.#isMade(moves[i]),
      )
      if (isDone) backoff.reset()
      else await pause(backoff.next(), this.#ending.signal)
    }
  }

  #moves(): Move[] {
    const present = this.#present
    if (present === null) return []
    const leases: KnownLeases = { present, own: this.#own, stale: this.#abandoned.leases }
    return this.#options.pools.flatMap((pool) => {
      const { name } = pool
      const key = this.#options.keys.named('pool', name)
      const record = { key, wanted: JSON.stringify(pool), seen: this.#ledger.at(key) }
      const seen = this.#ledger.slots(name)
      const wanted = this.#wanted.get(name) ?? new Set<string>()
      const last = this.#last.get(name) ?? new Map<string, number>()
      for (const [slot, { value }] of seen) last.set(value, slot)
      const keyOf = (slot: number): string => this.#options.keys.endpoint(name, slot)
      const moves = [
        ...recordMoves(record, leases),
        ...movesOf({ wanted, seen, last, keyOf }, leases),
      ]
      this.#tell(`${name} full`, isFull({ wanted, seen }), 'the pool is full: 100 servers')
      const { seen: other } = record
      const isDisputed = other !== null && other.value !== record.wanted && moves.length === 0
      this.#tell(`${name} record`, isDisputed, 'somebody else says otherwise of this pool')
      return moves
    })
  }

  /** Says what is wrong once for as long as it is. */
  #tell(what: string, isSo: boolean, message: string): void {
    if (isSo && !this.#told.has(what)) this.#options.log.warn({ pool: what.split(' ')[0] }, message)
    if (isSo) this.#told.add(what)
    else this.#told.delete(what)
  }

  async #make(move: Move): Promise<void> {
    const { store, log, onWrite } = this.#options
    const lease = this.#present
    if (lease === null) return
    const { key } = move
    const before = this.#ledger.at(key)
    const note = (value: string, modRevision: string, createRevision: string): void =>
      void this.#ledger.note(key, { key, value, modRevision, createRevision, lease }, modRevision)
    if (move.do === 'create') {
      const { won, holder, revision } = await store.create(key, move.value, { lease })
      this.#ledger.note(key, holder, won ? (holder?.modRevision ?? revision) : revision)
      if (!won) return
      onWrite('registered')
      log.info({ key, ...(this.#isServer(key) && { server: move.value }) }, 'registered')
    } else if (move.do === 'replace') {
      const { value, modRevision } = move
      const revision = await store.replace(key, value, { modRevision, lease })
      if (revision !== null) note(value, revision, before?.createRevision ?? revision)
      if (revision !== null && before?.lease !== lease)
        log.debug({ key }, 'taken over: nobody else vouches for it any more')
    } else {
      const revision = await store.remove(key, { modRevision: move.modRevision, lease: move.lease })
      if (revision === null) return
      this.#ledger.note(key, null, revision)
      onWrite('removed')
      log.info({ key, server: before?.value }, 'unregistered')
    }
  }

  #isServer(key: string): boolean {
    return this.#options.keys.parse(key)?.kind === 'endpoint'
  }

  /** Whether etcd is known to be as a move was to make it; else news of it is on the way. */
  #isMade(move: Move | undefined): boolean {
    const entry = this.#ledger.at(move?.key ?? '')
    if (move?.do === 'replace') return entry?.lease === this.#present && entry.value === move.value
    return move?.do === 'create' ? entry !== null : entry === null
  }
}
