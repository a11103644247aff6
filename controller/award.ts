import type { App } from '../model/app.ts'
import type { Directory } from '../model/directory.ts'
import { canonical } from '../model/name.ts'
import type { Pool } from '../model/pool.ts'
import { compareRoutes, formatRoute, parseRoute, type Route } from '../model/route.ts'
import type { Entry, Held, Rejection, State } from '../model/state.ts'

/** Somebody who says which routes lead to him. */
export interface Owner {
  /** canonical name of who is reached */
  name: string
  routes: readonly string[]
  /** the record that says so */
  entry: Pick<Entry, 'key' | 'createRevision' | 'lease'>
  /** whether a blueprint made it of a name, which visitors choose */
  isDerived?: boolean
}

/** A route and the canonical name of the one app it leads to. */
export interface Awarded extends Route {
  app: string
}

export interface Award {
  /** the most specific ones first */
  routes: Awarded[]
  /** every record that wants what an older one has */
  lost: Rejection[]
}

/** A route as read, with its one spelling. */
interface Read {
  route: Route
  spelling: string
}

/** By the list of a record: all records are gone through with every plan, and few of them are new. */
const READ = new WeakMap<readonly string[], Read[]>()

/**
 * Gives each route to one owner: one that is stored for good before pools that a process keeps, and these before apps of
 * blueprints; then the one whose record is older (create revision), and of one record's apps the first by name. Pure, and the same whatever order the owners come in.
 */
export function award(owners: Iterable<Owner>): Award {
  const taken = new Map<string, Awarded>()
  const wanted = new Map<string, string[]>()
  for (const { name, routes, entry } of byAge(owners)) {
    for (const { route, spelling } of readRoutes(routes)) {
      const holder = taken.get(spelling)
      if (!holder) taken.set(spelling, { ...route, app: name })
      else if (holder.app !== name)
        wanted.set(entry.key, [
          ...(wanted.get(entry.key) ?? []),
          `${spelling} belongs to ${holder.app}`,
        ])
    }
  }
  const lost = [...wanted].map(([key, reasons]) => ({ key, reason: reasonOf(reasons) }))
  return { routes: [...taken.values()].sort(compareRoutes), lost }
}

function readRoutes(routes: readonly string[]): Read[] {
  const known = READ.get(routes)
  if (known) return known
  const read = routes.flatMap((text) => {
    const route = parseRoute(text)
    return route ? [{ route, spelling: formatRoute(route) }] : []
  })
  READ.set(routes, read)
  return read
}

/** Pools and apps that have routes: those that are stored, and those of blueprints that run, as of no others it is known what they are. */
export function ownersOf(
  {
    apps,
    pools,
    blueprints,
    endpoints,
  }: Pick<State, 'apps' | 'pools' | 'blueprints' | 'endpoints'>,
  directory: Pick<Directory, 'derive'>,
): Owner[] {
  const owners: Owner[] = []
  const add = (name: string, { value: { routes }, entry }: Held<App | Pool>): void => {
    if (routes.length > 0) owners.push({ name, routes, entry })
  }
  for (const [name, held] of apps) add(name, held)
  // Of an App and a Pool of one name, the App has effect.
  for (const [name, held] of pools) if (!apps.has(name)) add(name, held)
  if ([...blueprints.values()].every(({ value }) => value.app.routes.length === 0)) return owners
  for (const name of endpoints.keys()) {
    const derived = directory.derive(name)
    const held = derived && blueprints.get(derived.blueprint)
    if (held && derived.app.routes.length > 0)
      owners.push({
        ...{ name: canonical(name), routes: derived.app.routes, entry: held.entry },
        isDerived: true,
      })
  }
  return owners
}

/**
 * An operator's word first: nobody who starts a container, or asks for a name, takes away what it says. Under a lease, how old
 * a record is says only when a process was started.
 */
function rankOf({ isDerived, entry }: Owner): number {
  return isDerived ? 2 : entry.lease === '0' ? 0 : 1
}

function byAge(owners: Iterable<Owner>): Owner[] {
  return [...owners]
    .map((owner) => ({ owner, age: BigInt(owner.entry.createRevision) }))
    .sort((left, right) => {
      const rank = rankOf(left.owner) - rankOf(right.owner)
      if (rank !== 0) return rank
      if (left.age !== right.age) return left.age < right.age ? -1 : 1
      return left.owner.name < right.owner.name ? -1 : 1
    })
    .map(({ owner }) => owner)
}

const SHOWN = 4

function reasonOf(reasons: string[]): string {
  const more = reasons.length > SHOWN ? ` and ${reasons.length - SHOWN} more` : ''
  return `not its routes: ${reasons.slice(0, SHOWN).join(', ')}${more}`
}
