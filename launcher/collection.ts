import type { App } from '../model/app.ts'
import { ProblemError } from '../model/problem.ts'
import type { Entry, Held, State } from '../model/state.ts'
import type { Catalog } from './catalog.ts'
import { type Allowed, encode } from './encoding.ts'
import { earlierSpelling } from './spelling.ts'

/** What is done with etcd here. Every call has a deadline of its own and throws when etcd cannot be reached. */
export interface Store {
  get(key: string): Promise<Entry | null>
  list(prefix: string): Promise<{ entries: Entry[]; revision: string }>
  create(
    key: string,
    value: string,
    options?: { lease?: string },
  ): Promise<{ won: boolean; holder: Entry | null; revision: string }>
  replace(key: string, value: string, options: { modRevision: string }): Promise<string | null>
  remove(key: string, options?: { modRevision?: string }): Promise<string | null>
}

export interface CollectionOptions extends Allowed {
  catalog: Catalog
  store: Store
  /** the launchers that are to know of a write before it returns; none unless given */
  others?: { know(revision: string): Promise<void> } | undefined
}

/** How the records of one kind differ from the others. */
export interface Kind<T> {
  kind: 'app' | 'blueprint'
  /** the form names are unique in */
  fold(name: string): string
  records(state: State): ReadonlyMap<string, Held<T>>
  /** what of an App is in it, and the path to that */
  app(record: T): { path: string; app: Pick<App, 'image' | 'network'> }
}

/** How long a write waits until this process sees it, milliseconds; it is in force either way. */
const SETTLE = 2000
/** Writes of others that may come between our read and our write. */
const TRIES = 5

/**
 * The Apps, or the Blueprints, in etcd. Reads come from the State (memory, they work without etcd); writes are
 * guarded by revisions and return once all launchers see them, so that whoever asks then finds them.
 */
export class Collection<T extends { name: string }> {
  readonly #kind: Kind<T>
  readonly #options: CollectionOptions

  constructor(kind: Kind<T>, options: CollectionOptions) {
    this.#kind = kind
    this.#options = options
  }

  get #records(): ReadonlyMap<string, Held<T>> {
    return this.#kind.records(this.#options.catalog.state)
  }

  /** All records by name. */
  list(): Held<T>[] {
    return [...this.#records.values()].sort((a, b) => (a.value.name < b.value.name ? -1 : 1))
  }

  get(name: string): Held<T> | null {
    return this.#records.get(this.#kind.fold(name)) ?? null
  }

  /**
   * Stores a new record and returns its revision. Throws ProblemError: `conflict` if the name is taken,
   * `invalid-input` for an image this launcher would not pull, or a network it would not give.
   */
  async create(record: T): Promise<string> {
    const { store } = this.#options
    const value = this.#encode(record)
    const held = this.get(record.name)
    if (held) throw taken(held.value.name)
    const key = this.#key(record.name)
    const { won, revision } = await store.create(key, value)
    if (!won) throw taken(record.name)
    await this.#settle(key, revision)
    if (this.#kind.kind === 'app') {
      const earlier = await earlierSpelling(key, revision, this.#options)
      if (earlier !== null) {
        await store.remove(key, { modRevision: revision })
        throw taken(earlier)
      }
    }
    return revision
  }

  /**
   * Replaces the record of that name, whatever it is now or only if it is still at revision `expected`.
   * Returns the new revision, or null if there is none. Throws ProblemError `changed`, `conflict`, `invalid-input`.
   */
  async replace(record: T, expected?: string): Promise<string | null> {
    const value = this.#encode(record)
    const held = this.get(record.name)
    if (held && held.value.name !== record.name) throw taken(held.value.name)
    const key = this.#key(record.name)
    const revision = await this.#guard(key, expected, (modRevision) =>
      this.#options.store.replace(key, value, { modRevision }),
    )
    if (revision !== null) await this.#settle(key, revision)
    return revision
  }

  /**
   * Replaces the record of that name, or stores a new one; with `expected` it has to be there, at that revision. Returns its
   * revision, and whether it is new. Throws as {@link create} and {@link replace} do.
   */
  async put(record: T, expected?: string): Promise<{ revision: string; isNew: boolean }> {
    const revision = await this.replace(record, expected)
    if (revision !== null) return { revision, isNew: false }
    if (expected !== undefined) throw new ProblemError('changed')
    return { revision: await this.create(record), isNew: true }
  }

  /** Removes the record of exactly that name; false if there is none. Throws ProblemError `changed`. */
  async remove(name: string, expected?: string): Promise<boolean> {
    const key = this.#key(name)
    const revision = await this.#guard(key, expected, (modRevision) =>
      this.#options.store.remove(key, { modRevision }),
    )
    if (revision !== null) await this.#settle(key, revision, true)
    return revision !== null
  }

  async #guard(
    key: string,
    expected: string | undefined,
    write: (modRevision: string) => Promise<string | null>,
  ): Promise<string | null> {
    for (let tries = 0; tries < TRIES; tries++) {
      const entry = await this.#options.store.get(key)
      if (!entry) return null
      if (expected !== undefined && entry.modRevision !== expected)
        throw new ProblemError('changed', { detail: `it is at revision ${entry.modRevision} now` })
      const revision = await write(entry.modRevision)
      if (revision !== null) return revision
    }
    throw new ProblemError('conflict', { detail: 'others keep writing it at the same time' })
  }

  /** Waits until the State has the key at `revision` or later, or not any more, or SETTLE has passed; then for the others. */
  async #settle(key: string, revision: string, isGone = false): Promise<void> {
    const settled = (): boolean => {
      if (this.#options.catalog.state.rejected.has(key)) return true
      const entry = this.#records.get(this.#kind.fold(this.#nameOf(key)))?.entry
      if (entry?.key !== key) return isGone
      return !isGone && BigInt(entry.modRevision) >= BigInt(revision)
    }
    if (!settled()) await this.#change(settled)
    await this.#options.others?.know(revision)
  }

  /** Resolves after the change that makes `settled` true, or when SETTLE has passed. */
  #change(settled: () => boolean): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        clearTimeout(timer)
        stop()
        resolve()
      }
      const timer = setTimeout(done, SETTLE)
      const stop = this.#options.catalog.onChange(() => settled() && done())
    })
  }

  #encode(record: T): string {
    return encode(record, this.#kind.app(record), this.#options)
  }

  #key(name: string): string {
    return this.#options.catalog.keys.named(this.#kind.kind, name)
  }

  #nameOf(key: string): string {
    return key.slice(this.#options.catalog.keys.folder(this.#kind.kind).length)
  }
}

function taken(name: string): ProblemError {
  return new ProblemError('conflict', { detail: `there is ${name} already` })
}
