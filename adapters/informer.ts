import type { IWatchResponse } from 'etcd3'
import type { Entry } from '../model/state.ts'
import { Audit } from './audit.ts'
import { type Change, differences, type Known, knownOf } from './difference.ts'
import type { Store } from './etcd.ts'
import { abandon, apart, toEntry, watchRequest } from './etcd-request.ts'
import type { InformerOptions } from './informer-options.ts'

export type { Change } from './difference.ts'
export type { InformerOptions } from './informer-options.ts'

const SHORTEST = 100

/**
 * A mirror of some prefixes: list, watch, and list again after any break, for ever. One raw stream with one watch over
 * the span of all prefixes: etcd keeps events of one watch in order of revision, of several watches it does not.
 */
export class Informer {
  /** Resolves after the first complete list; never rejects. */
  readonly synced: Promise<void>
  readonly #store: Store
  readonly #prefixes: string[]
  readonly #options: InformerOptions
  readonly #known = new Map<string, Known>()
  readonly #gist: (entry: Entry) => Entry
  #revision = 0n
  #audit: Audit | null = null
  #listed = false
  #connected = false
  /** milliseconds to wait after a break; short again once a watch was accepted */
  #delay = SHORTEST
  #broken = false
  #stopped = false
  #interrupt: () => void = () => {}
  #resolve: () => void = () => {}

  constructor(store: Store, prefixes: string[], options: InformerOptions) {
    this.#store = store
    this.#prefixes = apart(prefixes)
    this.#options = options
    this.#gist = options.gist ?? ((entry) => entry)
    this.synced = new Promise((resolve) => {
      this.#resolve = resolve
    })
  }

  /** The revision up to which all is handed over; grows with changes of others' keys too. Decimal text. */
  get revision(): string {
    return String(this.#revision)
  }

  /** Whether what was handed over is current, but for a broken line not noticed yet (8 s at most). */
  get connected(): boolean {
    return this.#connected
  }

  start(): void {
    void this.#run()
  }

  stop(): void {
    this.#stopped = true
    this.#connected = false
    this.#interrupt()
  }

  async #run(): Promise<void> {
    while (!this.#stopped) {
      const ended = await this.#list()
        .then(() => this.#watch())
        .catch((error: Error) => error.message)
      if (ended === 'relist') continue
      this.#connected = false
      if (this.#stopped) return
      // Once for each break: an etcd that is down for an hour is one thing to know, not two thousand.
      const level = this.#broken ? 'debug' : 'warn'
      this.#broken = true
      this.#options.log?.[level](
        { reason: ended, revision: this.revision },
        'no watch on etcd, trying again',
      )
      await this.#pause(this.#delay * (0.5 + Math.random() / 2))
      this.#delay = Math.min(this.#delay * 2, 2000)
    }
  }

  async #list(): Promise<void> {
    const { entries, revision } = await this.#store.listAll(this.#prefixes, this.#gist)
    if (this.#stopped) return
    if (BigInt(revision) < this.#revision)
      this.#options.log?.warn(
        { from: this.revision, to: revision },
        'etcd went back in time: restored or replaced, its list is the truth now',
      )
    const batch = differences(this.#known, entries)
    for (const change of batch) this.#learn(change)
    this.#revision = BigInt(revision)
    if (batch.length > 0 || !this.#listed)
      this.#guard(() => this.#options.onChange(batch, this.revision, 'list'))
    this.#listed = true
    this.#guard(() => this.#options.onSync?.())
    this.#resolve()
  }

  /** Watches until the stream ends for whatever reason, which it returns; the next step is always a list. */
  async #watch(): Promise<string> {
    const { stream, failed } = await this.#store.watch()
    return await new Promise<string>((resolve) => {
      let over = false
      const finish = (why: string): void => {
        if (over) return
        over = true
        audit.stop()
        clearTimeout(opening)
        abandon(stream)
        resolve(why)
      }
      const broken = (why: string): void => {
        if (!over) failed()
        finish(why)
      }
      const audit = this.#audited(() => finish('relist'))
      const opening = setTimeout(() => broken('no watch within 5 s'), 5000)
      this.#interrupt = () => finish('stopped')
      stream.on('error', (error) => broken(error.message))
      stream.on('end', () => broken('the stream ended'))
      stream.on('data', (response) => {
        if (over) return
        if (response.canceled)
          return finish(`canceled: ${response.cancel_reason || 'the revision was compacted'}`)
        if (response.created) {
          clearTimeout(opening)
          this.#connected = true
          this.#delay = SHORTEST
          if (this.#broken)
            this.#options.log?.info({ revision: this.revision }, 'etcd is watched again')
          this.#broken = false
          return
        }
        this.#take(response)
      })
      stream.write(watchRequest(this.#prefixes, this.#revision + 1n))
      if (this.#stopped) finish('stopped')
    })
  }

  /** Looks whether the watch tells all, as long as it does. */
  #audited(onBehind: () => void): Audit {
    const { log, onSync, relist = 60_000 } = this.#options
    this.#audit = new Audit({
      known: this.#known,
      revision: () => this.#revision,
      since: (revision) => this.#store.since(this.#prefixes, revision),
      every: relist,
      onEqual: () => this.#guard(() => onSync?.()),
      onBehind: (reason) => {
        log?.info({ reason }, 'all is listed anew')
        onBehind()
      },
    })
    return this.#audit
  }

  #take(response: IWatchResponse): void {
    const batch: Change[] = []
    for (const { type, kv } of response.events) {
      const entry = toEntry(kv)
      if (!this.#prefixes.some((prefix) => entry.key.startsWith(prefix))) continue
      const change: Change =
        type === 'Delete'
          ? { type: 'delete', key: entry.key, seen: true }
          : { type: 'put', entry: this.#gist(entry) }
      this.#audit?.tell(entry.key, BigInt(entry.modRevision), this.#learn(change))
      batch.push(change)
    }
    // While there are events, header.revision can be ahead of them; without, etcd promises that all came.
    const last = response.events.at(-1)?.kv.mod_revision ?? response.header.revision
    if (BigInt(last) > this.#revision) this.#revision = BigInt(last)
    if (batch.length > 0) this.#guard(() => this.#options.onChange(batch, this.revision, 'watch'))
  }

  /** Returns by how many there are more now. */
  #learn(change: Change): number {
    const before = this.#known.size
    if (change.type === 'put') this.#known.set(change.entry.key, knownOf(change.entry))
    else this.#known.delete(change.key)
    return this.#known.size - before
  }

  /** A handler that throws has a bug; the others' news must go on. */
  #guard(handler: () => void): void {
    try {
      handler()
    } catch (error) {
      this.#options.log?.warn({ err: error }, 'a handler of etcd changes threw')
    }
  }

  #pause(milliseconds: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, milliseconds)
      this.#interrupt = () => {
        clearTimeout(timer)
        resolve()
      }
    })
  }
}
