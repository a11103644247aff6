import { type Endpoint, formatEndpoint } from '../model/endpoint.ts'
import type { Held, Rejection, State } from '../model/state.ts'

/** Who keeps an address that is registered as a launcher and as an instance. */
export interface Contest {
  /** the addresses of launchers, without those an instance had first */
  launchers: string[]
  /** every entry that lost */
  lost: Rejection[]
}

/**
 * An address is a launcher's or an instance's, never both: what is taken for a launcher is asked where requests go.
 * Who is named in the settings is a launcher whatever etcd says; of registered ones, the first registered keeps it,
 * so that neither a launcher can be made of a running app nor an app of a working launcher.
 */
export function contest(
  state: Pick<State, 'endpoints' | 'launchers'>,
  named: readonly string[],
): Contest {
  const registered = byAddress(state.launchers.values())
  const instances = byAddress([...state.endpoints.values()].flatMap((slots) => [...slots.values()]))
  const lost: Rejection[] = []
  const launchers = new Set(registered.keys())
  for (const text of new Set([...named, ...registered.keys()])) {
    const [rivals, apps] = [registered.get(text) ?? [], instances.get(text) ?? []]
    if (apps.length === 0) continue
    if (named.includes(text) || first(rivals) <= first(apps))
      lost.push(...apps.map(({ entry }) => ({ key: entry.key, reason: 'a launcher is there' })))
    else {
      launchers.delete(text)
      lost.push(...rivals.map(({ entry }) => ({ key: entry.key, reason: 'an app is there' })))
    }
  }
  return { launchers: [...launchers], lost }
}

function byAddress(all: Iterable<Held<Endpoint>>): Map<string, Held<Endpoint>[]> {
  const groups = new Map<string, Held<Endpoint>[]>()
  for (const held of all) {
    const text = formatEndpoint(held.value)
    const group = groups.get(text)
    if (group) group.push(held)
    else groups.set(text, [held])
  }
  return groups
}

/** The revision of the first registration among these. */
function first(held: Held<Endpoint>[]): bigint {
  const revisions = held.map(({ entry }) => BigInt(entry.createRevision))
  return revisions.reduce((least, revision) => (revision < least ? revision : least))
}
