import type { App } from '../model/app.ts'
import { neededNow } from '../model/dependency.ts'
import { Directory } from '../model/directory.ts'
import type { Keys } from '../model/key.ts'
import type { InstanceSpec } from '../model/label.ts'
import { canonical } from '../model/name.ts'
import type { Claim } from '../model/record.ts'
import { STOP } from '../model/sleep.ts'
import type { Entry, Held } from '../model/state.ts'
import { State } from '../model/state.ts'

/** A difference of etcd's content, as an informer tells it. */
export type ClusterChange =
  | { type: 'put'; entry: Entry }
  | { type: 'delete'; key: string; seen?: boolean }

/** How long an instance may be unused, and what it means to end it. Times in seconds. */
export type Terms = Pick<InstanceSpec, 'min' | 'idleAfter' | 'stopTimeout'> & { sleep: string }

/** Kinds of keys that matter here. */
const KINDS = ['activity', 'app', 'blueprint', 'claim', 'endpoint', 'gateway'] as const
/** Changes of these say anew which apps are needed by others. */
const OF_NEEDS: ReadonlySet<string> = new Set(['app', 'blueprint', 'claim', 'endpoint'])
/** Nothing is routed by what is read here: any address will do. */
const ANYWHERE = [
  { family: 4, bits: 0n, prefix: 0 },
  { family: 6, bits: 0n, prefix: 0 },
] as const
/** How long a gateway whose record went counts as there, milliseconds: after that it was taken away for good. */
const MISSED = 24 * 3_600_000

/** What this host has to know of the rest of the cluster: apps, what runs, claims, gateways, and which apps are used. */
export class Cluster {
  readonly #keys: Keys
  readonly #state: State
  readonly #directory: Directory
  /** by app that others need: who they are; null if it must be found out anew */
  #needed: Map<string, string[]> | null = null
  #revision = 0n
  /** by canonical app name: performance.now() when a use was last heard of */
  readonly #used = new Map<string, number>()
  /** by key of a gateway's record: performance.now() when it went */
  readonly #missing = new Map<string, number>()
  readonly #watchers = new Set<() => void>()
  readonly #claimWatchers = new Map<string, (change: ClusterChange, revision: string) => void>()

  constructor(keys: Keys) {
    this.#keys = keys
    this.#state = new State(keys, { networks: [...ANYWHERE], denied: new Set() })
    this.#directory = new Directory(this.#state)
  }

  /** Folders whose keys {@link observe} wants to see. */
  get prefixes(): string[] {
    return KINDS.map((kind) => this.#keys.folder(kind))
  }

  observe(changes: ClusterChange[], revision: string): void {
    for (const change of changes) {
      const text = change.type === 'put' ? change.entry.key : change.key
      const key = this.#keys.parse(text)
      if (!key || !KINDS.some((kind) => kind === key.kind)) continue
      if (OF_NEEDS.has(key.kind)) this.#needed = null
      if (change.type === 'put') this.#missing.delete(text)
      else if (key.kind === 'gateway') this.#missing.set(text, performance.now())
      if (change.type === 'put') this.#state.put(change.entry)
      else this.#state.delete(text)
      if (change.type === 'put' && key.kind === 'activity') this.use(key.name)
      if (key.kind !== 'claim') continue
      // whoever wakes a slot is about to use the app
      if (this.claim(key.app, key.slot)?.value.action === 'wake') this.use(key.app)
      this.#claimWatchers.get(text)?.(change, revision)
    }
    // An etcd that was restored counts from less again.
    this.#revision = BigInt(revision)
    for (const watcher of this.#watchers) watcher()
  }

  /** Whether every change up to `revision` is known here. */
  hasSeen(revision: string): boolean {
    return this.#revision >= BigInt(revision)
  }

  /** Whether an app that runs, starts or ends somewhere depends on this one: it is used, whoever else asks for it. */
  isNeeded(app: string): boolean {
    this.#needed ??= neededNow(this.#state, this.#keys, (name) => this.#directory.find(name))
    return this.#needed.has(canonical(app))
  }

  use(app: string): void {
    this.#used.set(canonical(app), performance.now())
  }

  /** performance.now() of the last use heard of, 0 if none. Counted on this clock: no two clocks are compared. */
  lastUse(app: string): number {
    return this.#used.get(canonical(app)) ?? 0
  }

  /** What holds for an instance now: what the App says, or, of one that is not stored, what its labels said. */
  terms({ app, min, idleAfter, stopTimeout, sleep = STOP }: InstanceSpec): Terms {
    return this.#state.app(app) ?? { min, idleAfter, stopTimeout, sleep }
  }

  /** The App that is stored under a name, however it is spelled. */
  app(name: string): App | undefined {
    return this.#state.app(name)
  }

  /** What one instance of an app may use; nothing if nobody knows the app. */
  limits(name: string): Pick<Claim, 'memory' | 'cpus'> {
    const { memory, cpus } = this.#directory.find(name)?.limits ?? {}
    return memory === undefined || cpus === undefined ? {} : { memory, cpus }
  }

  claim(app: string, slot: number): Held<Claim> | undefined {
    return this.#state.claims.get(this.#keys.claim(app, slot))
  }

  /** Claims of launchers that want a slot asleep and wait for its registrar. */
  requests(): { app: string; slot: number; claim: Held<Claim> }[] {
    return [...this.#state.claims.values()].flatMap((claim) => {
      const key = this.#keys.parse(claim.entry.key)
      const isRequest = claim.value.action === 'sleep' && claim.value.phase === 'requested'
      return isRequest && key?.kind === 'claim' ? [{ app: key.app, slot: key.slot, claim }] : []
    })
  }

  claimsUnder(lease: string): Held<Claim>[] {
    return [...this.#state.claims.values()].filter((claim) => claim.entry.lease === lease)
  }

  /** Whether every gateway there is runs all changes up to `revision`. */
  hasApplied(revision: string): boolean {
    return [...this.#state.gateways.values()].every((gateway) => {
      const applied = /^[0-9]+$/.test(gateway.value.applied) ? BigInt(gateway.value.applied) : 0n
      return applied >= BigInt(revision)
    })
  }

  /**
   * Whether there was a gateway whose record is gone. Its controller is down, and it may lead on where it led then: nobody
   * can say.
   */
  get missesGateway(): boolean {
    const now = performance.now()
    for (const [key, since] of this.#missing) if (now - since >= MISSED) this.#missing.delete(key)
    return this.#missing.size > 0
  }

  /** Tells each change of one claim until the returned function is called. */
  watchClaim(key: string, tell: (change: ClusterChange, revision: string) => void): () => void {
    this.#claimWatchers.set(key, tell)
    return () => void this.#claimWatchers.delete(key)
  }

  /** Waits until `condition` holds, at most `milliseconds` and until `signal` aborts. Returns whether it does. */
  until(condition: () => boolean, milliseconds: number, signal: AbortSignal): Promise<boolean> {
    return new Promise((resolve) => {
      const finish = (): void => {
        clearTimeout(timer)
        signal.removeEventListener('abort', finish)
        this.#watchers.delete(check)
        resolve(condition())
      }
      const check = (): void => {
        if (condition()) finish()
      }
      const timer = setTimeout(finish, milliseconds)
      signal.addEventListener('abort', finish, { once: true })
      this.#watchers.add(check)
      if (signal.aborted || condition()) finish()
    })
  }
}
