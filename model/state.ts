import { App } from './app.ts'
import { Blueprint } from './blueprint.ts'
import {
  type AddressPolicy,
  admitEndpoint,
  type Endpoint,
  formatEndpoint,
  parseEndpoint,
} from './endpoint.ts'
import type { Keys } from './key.ts'
import { canonical } from './name.ts'
import { Claim, Gateway, Host } from './record.ts'

/** A key with its value and the revisions etcd gave it, all decimal text (64 bits do not fit a number). */
export interface Entry {
  key: string
  value: string
  modRevision: string
  createRevision: string
  /** id of the lease it lives under, `0` if none */
  lease: string
}

/** Why an entry has no effect. */
export interface Rejection {
  key: string
  reason: string
}

/** A decoded record together with where it came from. */
export interface Held<T> {
  value: T
  entry: Entry
}

const LARGEST = 65_536

/**
 * What etcd says, decoded. Fed entry by entry in any order of keys; the same entries give the same state.
 * A bad entry is reported and costs only its own key its change: the value it replaced stays in force.
 */
export class State {
  readonly apps = new Map<string, Held<App>>()
  readonly blueprints = new Map<string, Held<Blueprint>>()
  /** by canonical app name, then slot */
  readonly endpoints = new Map<string, Map<number, Held<Endpoint>>>()
  readonly hosts = new Map<string, Held<Host>>()
  readonly launchers = new Map<string, Held<Endpoint>>()
  readonly gateways = new Map<string, Held<Gateway>>()
  /** by claim key */
  readonly claims = new Map<string, Held<Claim>>()
  /** by canonical app name: the revision of the last use seen by a gateway */
  readonly activity = new Map<string, string>()
  readonly rejected = new Map<string, Rejection>()
  /** canonical name to the spelling that holds it, per kind */
  readonly #spelling = { app: new Map<string, string>(), endpoint: new Map<string, string>() }
  readonly #keys: Keys
  readonly #policy: AddressPolicy

  constructor(keys: Keys, policy: AddressPolicy) {
    this.#keys = keys
    this.#policy = policy
  }

  /** Takes a new or changed entry. Returns why it was refused, or null. */
  put(entry: Entry): Rejection | null {
    const reason = this.#take(entry)
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
    const key = this.#keys.parse(text)
    if (!key) return
    switch (key.kind) {
      case 'endpoint': {
        const name = canonical(key.app)
        const slots = this.endpoints.get(name)
        if (slots?.get(key.slot)?.entry.key !== text) return
        slots.delete(key.slot)
        if (slots.size > 0) return
        this.endpoints.delete(name)
        this.#spelling.endpoint.delete(name)
        return
      }
      case 'app': {
        const name = canonical(key.name)
        if (this.#spelling.app.get(name) !== key.name) return
        this.apps.delete(name)
        this.#spelling.app.delete(name)
        return
      }
      case 'claim':
        this.claims.delete(text)
        return
      case 'activity':
        this.activity.delete(canonical(key.name))
        return
      case 'blueprint':
        this.blueprints.delete(key.name)
        return
      case 'host':
        this.hosts.delete(key.name)
        return
      case 'launcher':
        this.launchers.delete(key.name)
        return
      case 'gateway':
        this.gateways.delete(key.name)
        return
    }
  }

  /** The App stored under `name`, ignoring case. */
  app(name: string): App | undefined {
    return this.apps.get(canonical(name))?.value
  }

  /** The running instances of an app by slot, ignoring case. */
  slots(name: string): ReadonlyMap<number, Held<Endpoint>> {
    return this.endpoints.get(canonical(name)) ?? new Map()
  }

  #take(entry: Entry): string | null {
    const key = this.#keys.parse(entry.key)
    if (!key) return 'not a key of this project'
    if (entry.value.length > LARGEST) return 'larger than 64 KiB'
    switch (key.kind) {
      case 'endpoint': {
        const verdict = admitEndpoint(entry.value, this.#policy)
        if (!verdict.ok) return verdict.reason
        const name = canonical(key.app)
        if (!this.#spell('endpoint', name, key.app))
          return 'another app has this name in another case'
        const slots = this.endpoints.get(name) ?? new Map<number, Held<Endpoint>>()
        slots.set(key.slot, { value: verdict.endpoint, entry })
        this.endpoints.set(name, slots)
        return null
      }
      case 'launcher': {
        const endpoint = parseEndpoint(entry.value)
        if (!endpoint || formatEndpoint(endpoint) !== entry.value) return 'not a host:port'
        this.launchers.set(key.name, { value: endpoint, entry })
        return null
      }
      case 'activity':
        this.activity.set(canonical(key.name), entry.modRevision)
        return null
      case 'app':
        return this.#record(App, entry, (app) => {
          if (app.name !== key.name) return 'its name is not that of its key'
          const name = canonical(app.name)
          if (!this.#spell('app', name, app.name))
            return 'another app has this name in another case'
          this.apps.set(name, { value: app, entry })
          return null
        })
      case 'blueprint':
        return this.#record(Blueprint, entry, (blueprint) => {
          if (blueprint.name !== key.name) return 'its name is not that of its key'
          this.blueprints.set(key.name, { value: blueprint, entry })
          return null
        })
      case 'host':
        return this.#record(Host, entry, (host) => {
          this.hosts.set(key.name, { value: host, entry })
          return null
        })
      case 'gateway':
        return this.#record(Gateway, entry, (gateway) => {
          this.gateways.set(key.name, { value: gateway, entry })
          return null
        })
      case 'claim':
        return this.#record(Claim, entry, (claim) => {
          this.claims.set(entry.key, { value: claim, entry })
          return null
        })
    }
  }

  #record<T>(
    schema: { safeParse(data: unknown): { success: true; data: T } | { success: false } },
    entry: Entry,
    accept: (value: T) => string | null,
  ): string | null {
    let data: unknown
    try {
      data = JSON.parse(entry.value)
    } catch {
      return 'not JSON'
    }
    const parsed = schema.safeParse(data)
    return parsed.success ? accept(parsed.data) : 'not a valid record of its kind'
  }

  #spell(kind: 'app' | 'endpoint', name: string, spelling: string): boolean {
    const holder = this.#spelling[kind].get(name)
    if (holder === undefined) this.#spelling[kind].set(name, spelling)
    return holder === undefined || holder === spelling
  }
}
