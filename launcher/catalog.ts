import type { App } from '../model/app.ts'
import { type Derived, Directory } from '../model/directory.ts'
import type { Endpoint } from '../model/endpoint.ts'
import type { Keys } from '../model/key.ts'
import { canonical } from '../model/name.ts'
import type { Claim } from '../model/record.ts'
import type { Entry, Held, Rejection, State } from '../model/state.ts'

/** A key that was written or removed, as an informer tells it. */
export type Change = { type: 'put'; entry: Entry } | { type: 'delete'; key: string; seen: boolean }

/** Gets a batch and the canonical names of the apps it is about (and {@link HOSTS}). */
export type ChangeListener = (batch: readonly Change[], topics: ReadonlySet<string>) => void

/** The topic of changes to hosts, their drains and rooms; no app can have this name. */
export const HOSTS = '/hosts'

/** What of etcd there is to know. */
export const KINDS = [
  'app',
  'blueprint',
  'pool',
  'host',
  'drain',
  'room',
  'endpoint',
  'claim',
  'activity',
  'roll',
  'launcher',
  'gateway',
  'home',
] as const

/**
 * What the launcher knows of the cluster: decided from memory, never by asking. Whoever waits for a change waits
 * under the app's name and is called in the tick in which the change arrives; nobody polls and nobody scans.
 */
export class Catalog {
  readonly state: State
  readonly keys: Keys
  readonly #waiting = new Map<string, Set<() => void>>()
  readonly #listeners = new Set<ChangeListener>()
  readonly #rejected: (rejection: Rejection) => void
  /** by canonical name: when this process saw the app being used, performance.now() */
  readonly #used = new Map<string, number>()
  readonly #directory: Directory
  #revision = 0n

  constructor(state: State, keys: Keys, rejected: (rejection: Rejection) => void = () => {}) {
    this.state = state
    this.#directory = new Directory(state)
    this.keys = keys
    this.#rejected = rejected
  }

  /** etcd revision up to which every change is known here. */
  get revision(): bigint {
    return this.#revision
  }

  /** Takes what an informer saw and tells everybody who waits for it. */
  apply(batch: readonly Change[], revision: string): void {
    const topics = new Set<string>()
    for (const change of batch) {
      const topic = this.#take(change)
      if (topic !== null) topics.add(topic)
    }
    // An etcd that was restored counts from less again.
    this.#revision = BigInt(revision)
    for (const topic of topics) for (const wake of [...(this.#waiting.get(topic) ?? [])]) wake()
    for (const listener of this.#listeners) listener(batch, topics)
  }

  /** Which App `name` is: one that is stored, else what the first fitting blueprint (by name) makes of it. */
  find(name: string): App | null {
    return this.#directory.find(name)
  }

  /** What the first fitting blueprint (by name) makes of a name under which nothing is stored. */
  derive(name: string): Derived | null {
    return this.#directory.derive(name)
  }

  endpoint(app: string, slot: number): Endpoint | null {
    return this.state.slots(app).get(slot)?.value ?? null
  }

  claim(app: string, slot: number): Held<Claim> | null {
    return this.state.claims.get(this.keys.claim(app, slot)) ?? null
  }

  /** Somebody asked this process for the app. */
  markUsed(app: string): void {
    this.#used.set(canonical(app), performance.now())
  }

  /** performance.now() of the last use of the app that this process saw or was told of, or null. */
  lastUse(app: string): number | null {
    return this.#used.get(canonical(app)) ?? null
  }

  /** Calls `listener` after each batch. Returns how to stop that. */
  onChange(listener: ChangeListener): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /**
   * What `test` returns, as soon as that is not null; tried now and after each change to `topic` (an app or
   * {@link HOSTS}). Rejects with the signal's reason.
   */
  when<T>(topic: string, test: () => T | null, signal: AbortSignal): Promise<T> {
    const name = canonical(topic)
    return new Promise((resolve, reject) => {
      const end = (): void => {
        const others = this.#waiting.get(name)
        others?.delete(check)
        if (others?.size === 0) this.#waiting.delete(name)
        signal.removeEventListener('abort', abort)
      }
      const abort = (): void => {
        end()
        reject(signal.reason)
      }
      const check = (): void => {
        const value = test()
        if (value === null) return
        end()
        resolve(value)
      }
      if (signal.aborted) return reject(signal.reason)
      signal.addEventListener('abort', abort)
      const others = this.#waiting.get(name) ?? new Set()
      this.#waiting.set(name, others.add(check))
      check()
    })
  }

  /** Like {@link when}, but null once `ms` milliseconds have passed. */
  async whenWithin<T>(
    topic: string,
    test: () => T | null,
    ms: number,
    signal: AbortSignal,
  ): Promise<T | null> {
    signal.throwIfAborted()
    const limit = new AbortController()
    const end = (): void => limit.abort()
    const timer = setTimeout(end, ms)
    signal.addEventListener('abort', end)
    try {
      return await this.when(topic, test, limit.signal)
    } catch {
      signal.throwIfAborted()
      return null
    } finally {
      clearTimeout(timer)
      signal.removeEventListener('abort', end)
    }
  }

  /** Takes one change into the state. Returns whom it concerns. */
  #take(change: Change): string | null {
    const text = change.type === 'put' ? change.entry.key : change.key
    const rejection = change.type === 'put' ? this.state.put(change.entry) : null
    if (rejection) this.#rejected(rejection)
    if (change.type === 'delete') this.state.delete(text)
    const key = this.keys.parse(text)
    switch (key?.kind) {
      case 'endpoint':
      case 'claim':
        return canonical(key.app)
      case 'app':
      case 'roll':
      case 'home':
        return canonical(key.name)
      case 'activity':
        if (change.type === 'put') this.#used.set(canonical(key.name), performance.now())
        else this.#used.delete(canonical(key.name))
        return canonical(key.name)
      case 'host':
      case 'drain':
      case 'room':
        return HOSTS
      default:
        return null
    }
  }
}
