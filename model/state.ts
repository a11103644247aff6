import type { App } from './app.ts'
import type { Blueprint } from './blueprint.ts'
import { decode } from './decode.ts'
import type { AddressPolicy, Endpoint } from './endpoint.ts'
import type { Entry, Held, Origin, Rejection } from './entry.ts'
import { Hosts, TWIN } from './hosts.ts'
import type { Keys } from './key.ts'
import { canonical } from './name.ts'
import type { Pool } from './pool.ts'
import type { Claim, Drain, Gateway, Home, Host, Roll } from './record.ts'
import { Shared } from './shared.ts'
import { Slots } from './slots.ts'
import { Unique, UniqueSlots } from './unique.ts'

export type { Entry, Held, Origin, Rejection }

/** To be looked at. */
export type ReadonlySlots = Omit<Slots, 'set' | 'delete'>

const CLASH = 'another app has this name in another case'
const NONE: ReadonlySlots = new Slots()
/** What another key has first: to be tried again when that is gone. */
const WAITS: ReadonlySet<string | null> = new Set([CLASH, TWIN])

/**
 * What etcd says, decoded. Fed entry by entry in order of their creation; the same entries give the same state.
 * A bad entry is reported and costs only its own key its change: the value it replaced stays in force.
 * Of names that differ in case only, and of hosts with one engine, the first has effect; the next has its turn when the
 * first is gone.
 */
export class State {
  /** by canonical app name; their texts, by far the longest, are not kept */
  readonly apps = new Unique<App, Origin>()
  readonly blueprints = new Map<string, Held<Blueprint, Entry>>()
  /** by canonical name */
  readonly pools = new Unique<Pool>()
  /** by canonical app name, then slot */
  readonly endpoints: UniqueSlots
  readonly hosts = new Hosts()
  /** by host name */
  readonly drains = new Map<string, Held<Drain>>()
  /** by host name: changed by each promise of room there, which is all it says */
  readonly rooms = new Map<string, Entry>()
  /** by canonical app name */
  readonly rolls = new Map<string, Held<Roll>>()
  readonly launchers = new Map<string, Held<Endpoint>>()
  readonly gateways = new Map<string, Held<Gateway>>()
  /** by group, or app that is in none, in lower case */
  readonly homes = new Map<string, Held<Home>>()
  /** by claim key */
  readonly claims = new Map<string, Held<Claim>>()
  /** how often a blueprint was put or removed: what was made of them before is old */
  blueprintChanges = 0
  readonly rejected = new Map<string, Rejection>()
  /** by key: what was refused for what another one has */
  readonly #waiting = new Map<string, Entry>()
  readonly #shared = new Shared()
  readonly #keys: Keys
  readonly #policy: AddressPolicy

  constructor(keys: Keys, policy: AddressPolicy) {
    this.#keys = keys
    this.endpoints = new UniqueSlots(keys)
    this.#policy = policy
  }

  /** Takes a new or changed entry. Returns why it was refused, or null. */
  put(entry: Entry): Rejection | null {
    const reason = this.#take(entry)
    if (WAITS.has(reason)) this.#waiting.set(entry.key, entry)
    else this.#waiting.delete(entry.key)
    if (reason === null) {
      this.rejected.delete(entry.key)
      return null
    }
    const rejection = { key: entry.key.slice(0, 200), reason }
    this.rejected.set(entry.key, rejection)
    return rejection
  }

  /** Takes a removal; unknown keys are fine. */
  delete(text: string): void {
    this.rejected.delete(text)
    this.#waiting.delete(text)
    const key = this.#keys.parse(text)
    if (!key) return
    switch (key.kind) {
      case 'endpoint':
        return void (this.endpoints.dismiss(key.app, key.slot, text) && this.#retry())
      case 'app':
      case 'pool':
        return void (this[`${key.kind}s`].dismiss(key.name, text) && this.#retry())
      case 'claim':
        return void this.claims.delete(text)
      case 'activity':
        return
      case 'blueprint':
        this.blueprints.delete(key.name)
        this.blueprintChanges += 1
        return
      case 'host':
        return void (this.hosts.delete(key.name) && this.#retry())
      default:
        this.#named(key.kind).delete(key.name)
    }
  }

  /** The App stored under `name`, ignoring case. */
  app(name: string): App | undefined {
    return this.apps.get(canonical(name))?.value
  }

  /** The Pool under `name`, ignoring case; a name that is an App is none. */
  pool(name: string): Pool | undefined {
    return this.app(name) ? undefined : this.pools.get(canonical(name))?.value
  }

  /** The running instances of an app by slot, ignoring case. */
  slots(name: string): ReadonlySlots {
    return this.endpoints.get(canonical(name)) ?? NONE
  }

  /** What is kept under plain names. */
  #named(kind: 'room' | 'drain' | 'roll' | 'launcher' | 'gateway' | 'home'): Map<string, unknown> {
    return this[`${kind}s`]
  }

  #take(entry: Entry): string | null {
    const key = this.#keys.parse(entry.key)
    if (!key) return 'not a key of this project'
    const decoded = decode(key, entry.value, this.#policy)
    switch (decoded.kind) {
      case 'refused':
        return decoded.reason
      case 'endpoint': {
        const { app, slot } = decoded
        const value = { host: this.#shared.text(decoded.value.host), port: decoded.value.port }
        return this.endpoints.admit(app, slot, { value, entry }) ? null : CLASH
      }
      case 'app': {
        const value = this.#shared.of(decoded.value)
        return this.apps.admit(value.name, { value, entry: originOf(entry) }) ? null : CLASH
      }
      case 'pool':
        return this.pools.admit(decoded.name, { value: decoded.value, entry }) ? null : CLASH
      case 'claim':
        this.claims.set(entry.key, { value: decoded.value, entry })
        return null
      case 'activity':
        return null // that it changed is all it says; whoever counts from then follows the change itself
      case 'blueprint':
        this.blueprints.set(decoded.name, { value: decoded.value, entry })
        this.blueprintChanges += 1
        return null
      case 'host':
        return this.#host({ value: decoded.value, entry })
      case 'room':
        this.rooms.set(decoded.name, entry)
        return null
      case 'drain':
        this.drains.set(decoded.name, { value: decoded.value, entry })
        return null
      case 'roll':
        this.rolls.set(decoded.name, { value: decoded.value, entry })
        return null
      case 'launcher':
        this.launchers.set(decoded.name, { value: decoded.value, entry })
        return null
      case 'gateway':
        this.gateways.set(decoded.name, { value: decoded.value, entry })
        return null
      case 'home':
        this.homes.set(decoded.name, { value: decoded.value, entry })
        return null
    }
  }

  #host(held: Held<Host, Entry>): string | null {
    const before = this.hosts.get(held.value.name)?.value.engine
    const { isIn, out } = this.hosts.admit(held)
    if (!isIn) return TWIN
    if (out) {
      this.rejected.set(out.key, { key: out.key, reason: TWIN })
      this.#waiting.set(out.key, out)
    }
    if (before !== undefined && before !== held.value.engine) this.#retry()
    return null
  }

  /** A name or an engine became free: whoever was refused for it gets another try, the oldest first. */
  #retry(): void {
    const oldest = (a: Entry, b: Entry): number =>
      BigInt(a.createRevision) < BigInt(b.createRevision) ? -1 : 1
    for (const entry of [...this.#waiting.values()].sort(oldest)) this.put(entry)
  }
}

function originOf({ key, modRevision, createRevision, lease }: Entry): Origin {
  return { key, modRevision, createRevision, lease }
}
