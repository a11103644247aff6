import type { App } from '../../model/app.ts'
import { isBound, scopeOf } from '../../model/group.ts'
import { canonical } from '../../model/name.ts'
import { ProblemError } from '../../model/problem.ts'
import { Home } from '../../model/record.ts'
import type { Entry } from '../../model/state.ts'
import type { Catalog } from '../catalog.ts'
import type { ClaimStore } from '../wake/withdrawal.ts'
import { type Grounds, volumesOf } from './ground.ts'
import type { Sight } from './place.ts'

/** That an app is to run on one host and no other. */
export interface Hold {
  /** volumes of its group, or its own, that were made there */
  volumes: ReadonlySet<string>
  /** Notes that these volumes are there now, if that is news. Throws if etcd does not answer. */
  keep(volumes: readonly string[]): Promise<void>
}

/** Homes stay when whoever wrote them ends. */
const NO_LEASE = '0'
/** How long a home that etcd has may take until we see it, milliseconds. */
const SETTLE = 2_000
const TRIES = 5

/** Another member of the group was quicker with another host: to be placed anew. */
class Moved extends Error {
  readonly code = 'conflict'
}

/**
 * Where groups and volumes live. The record is written before anything is made on a host and outlives the host's own:
 * what is kept there is not begun anew elsewhere while the host is away.
 */
export class Homes {
  readonly #catalog: Catalog
  readonly #store: ClaimStore
  readonly #engines: { at(url: string): { groups: Pick<Grounds, 'hasVolume'> } }

  constructor(
    catalog: Catalog,
    store: ClaimStore,
    engines: { at(url: string): { groups: Pick<Grounds, 'hasVolume'> } },
  ) {
    this.#catalog = catalog
    this.#store = store
    this.#engines = engines
  }

  /**
   * Says of hosts other than the app's own that they will not do; or, if its group keeps nothing and no other member of
   * it runs, that they are for when its own cannot be used. From memory, unless etcd has lost where volumes are.
   */
  async narrow(app: App, sights: Sight[]): Promise<Sight[]> {
    if (!isBound(app)) return sights
    const home =
      this.#catalog.state.homes.get(scopeOf(app))?.value ?? (await this.#find(app, sights))
    if (!home) return sights
    const there = sights.find(({ host }) => host.name === home.host)
    if (home.volumes.length === 0 && !this.#hasCompany(app))
      return sights.map((sight) => (sight === there ? sight : { ...sight, isAstray: true }))
    const what = home.volumes.length > 0 ? 'does not have its volumes' : 'does not have its group'
    const where = there ? `on ${home.host}` : `on ${home.host}, which is away`
    return sights.map((sight) =>
      sight === there ? sight : { ...sight, trouble: `${what}: they are ${where}` },
    )
  }

  /** Binds the app to a host that {@link narrow} left. Null if it may run anywhere. Throws if etcd does not answer. */
  async hold(app: App, host: string, signal: AbortSignal): Promise<Hold | null> {
    if (!isBound(app)) return null
    const scope = scopeOf(app)
    const key = this.#catalog.keys.named('home', scope)
    let before: string | null = null
    for (let tries = 0; tries < TRIES; tries++) {
      const entry = await this.#store.get(key)
      const home = entry ? read(entry, app.name) : null
      // One that keeps nothing is written anew, by us or by another member: what was found vacant before is not removed.
      const isNew = before !== null && entry?.modRevision !== before
      if (home?.host === host && (home.volumes.length > 0 || isNew))
        return this.#hold(app, host, home)
      before = entry?.modRevision ?? '0'
      const known = this.#catalog.state.homes.get(scope)?.entry.modRevision
      if (home && home.host !== host && (home.volumes.length > 0 || known !== before)) {
        await this.#seen(scope, before, signal)
        throw new Moved(`its group is on ${home.host}`)
      }
      const wanted: Home = { host, volumes: [] }
      if (await this.#write(key, entry, wanted)) return this.#hold(app, host, wanted)
    }
    throw new Moved('others place its group at the same time')
  }

  /**
   * Volumes are no more, or members: takes them off the home, and the home away once it says nothing.
   * Throws if etcd does not answer.
   */
  async release(scope: string, volumes: readonly string[], isLast: boolean): Promise<void> {
    const key = this.#catalog.keys.named('home', scope)
    for (let tries = 0; tries < TRIES; tries++) {
      const entry = await this.#store.get(key)
      if (!entry) return
      const home = read(entry, scope)
      const left = home.volumes.filter((volume) => !volumes.includes(volume))
      if (left.length === 0 && isLast) {
        if ((await this.#store.remove(key, { modRevision: entry.modRevision })) !== null) return
      } else if (await this.#write(key, entry, { ...home, volumes: left })) return
    }
    throw new ProblemError('conflict', { detail: `others keep changing where ${scope} is` })
  }

  /** Where the app's volumes are, by the engines that answer. */
  async #find(app: App, sights: readonly Sight[]): Promise<Home | null> {
    const volumes = volumesOf(app)
    const usable = sights.filter(({ trouble }) => trouble === null).map(({ host }) => host)
    const found = await Promise.all(
      usable.map(async ({ name, engine }) => {
        const { groups } = this.#engines.at(engine)
        const has = volumes.map((volume) => groups.hasVolume(scopeOf(app), volume))
        const kept = await Promise.all(has).catch(() => [])
        return { host: name, volumes: volumes.filter((_, index) => kept[index]) }
      }),
    )
    return found.find((home) => home.volumes.length > 0) ?? null
  }

  #hold(app: App, host: string, home: Home): Hold {
    const volumes = new Set(home.volumes)
    const isNews = (more: readonly string[]): boolean => more.some((volume) => !volumes.has(volume))
    return {
      volumes,
      keep: async (more) => (isNews(more) ? await this.#keep(app, host, more) : undefined),
    }
  }

  async #keep(app: App, host: string, volumes: readonly string[]): Promise<void> {
    const key = this.#catalog.keys.named('home', scopeOf(app))
    for (let tries = 0; tries < TRIES; tries++) {
      const entry = await this.#store.get(key)
      const home = entry ? read(entry, app.name) : { host, volumes: [] }
      if (home.host !== host) throw new Moved(`its group is on ${home.host}`)
      const all = [...new Set([...home.volumes, ...volumes])].sort()
      if (entry && all.length === home.volumes.length) return
      if (await this.#write(key, entry, { host, volumes: all })) return
    }
    throw new Moved('others change its group at the same time')
  }

  async #write(key: string, entry: Entry | null, home: Home): Promise<boolean> {
    const value = JSON.stringify(home)
    if (!entry) return (await this.#store.create(key, value, { lease: NO_LEASE })).won
    return (await this.#store.replace(key, value, { modRevision: entry.modRevision })) !== null
  }

  /** Whether another member of the app's group runs. */
  #hasCompany({ name, group }: App): boolean {
    if (group === undefined) return false
    for (const other of this.#catalog.state.endpoints.keys()) {
      if (other === canonical(name)) continue
      const its = this.#catalog.find(other)?.group
      if (its !== undefined && canonical(its) === canonical(group)) return true
    }
    return false
  }

  async #seen(scope: string, revision: string, signal: AbortSignal): Promise<void> {
    const seen = (): true | null => {
      const known = this.#catalog.state.homes.get(scope)?.entry.modRevision ?? '0'
      return BigInt(known) >= BigInt(revision) ? true : null
    }
    await this.#catalog.whenWithin(scope, seen, SETTLE, signal)
  }
}

function read(entry: Entry, app: string): Home {
  try {
    return Home.parse(JSON.parse(entry.value))
  } catch {
    const detail = `${entry.key} in etcd does not say on which host it lives`
    throw new ProblemError('unavailable', { app, detail, retryAfter: 5 })
  }
}
