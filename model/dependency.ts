import type { App } from './app.ts'
import type { Keys } from './key.ts'
import { canonical } from './name.ts'
import type { State } from './state.ts'

/** So long may a chain of apps be that need one another, and so many may one app need in all. */
const DEEPEST = 16
const MOST = 64

type Find = (name: string) => Pick<App, 'name' | 'dependsOn'> | null

/**
 * Why waking what `app` needs, and what that needs, would never end or be too much; null if it is fine. Apps that
 * nobody knows end a chain here: they may be added later.
 */
export function whyEndless(app: Pick<App, 'name' | 'dependsOn'>, find: Find): string | null {
  const done = new Set<string>()
  const walk = (at: Pick<App, 'name' | 'dependsOn'>, path: readonly string[]): string | null => {
    const name = canonical(at.name)
    const from = path.findIndex((other) => canonical(other) === name)
    if (from >= 0) return `it would wait for itself: ${[...path.slice(from), at.name].join(' -> ')}`
    if (done.has(name)) return null
    if (path.length > DEEPEST) return `it needs a chain of more than ${DEEPEST} apps`
    if (done.size > MOST) return `it needs more than ${MOST} apps`
    for (const needed of at.dependsOn) {
      const next = canonical(needed) === canonical(app.name) ? app : find(needed)
      const reason = next && walk(next, [...path, at.name])
      if (reason !== null) return reason
    }
    done.add(name)
    return null
  }
  return walk(app, [])
}

/** By app, in lower case: which apps need it and run, or are just being woken or put to sleep. */
export function neededNow(
  state: Pick<State, 'endpoints' | 'claims'>,
  keys: Keys,
  find: Find,
): Map<string, string[]> {
  const awake = new Set(state.endpoints.keys())
  for (const text of state.claims.keys()) {
    const key = keys.parse(text)
    if (key?.kind === 'claim') awake.add(canonical(key.app))
  }
  const needed = new Map<string, string[]>()
  for (const name of awake) {
    const app = find(name)
    for (const other of app?.dependsOn ?? []) {
      const users = needed.get(canonical(other)) ?? []
      needed.set(canonical(other), [...users, app?.name ?? name])
    }
  }
  return needed
}
