import { createHash } from 'node:crypto'
import { App } from '../model/app.ts'
import type { Container } from '../model/container.ts'
import { isMadeByHand, readLabels } from '../model/label.ts'

/** JSON with sorted keys: the same value is the same text. */
function stable(value: unknown): string {
  return JSON.stringify(value, (_key, inner: unknown) =>
    inner !== null && typeof inner === 'object' && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  )
}

/**
 * What no container is made of: where and how many of them run, how long a start may take, whether its image is pulled
 * ahead, how gateways lead there.
 */
const APART: ReadonlySet<string> = new Set<keyof App>([
  'replicas',
  'prefetch',
  'startTimeout',
  'constraints',
  'antiAffinity',
  'sticky',
  'route',
  'routes',
])

/**
 * What was there when revisions became what they are: it counts whatever it says, so that they stay the same. What an App
 * gets later counts only where it says something else than by default, as no container was made of it before: an upgrade
 * makes none anew. Nothing is added here.
 */
const FIRST: ReadonlySet<string> = new Set<keyof App>([
  'name',
  'image',
  'port',
  'env',
  'command',
  'health',
  'idleAfter',
  'sleep',
  'stopTimeout',
  'min',
  'limits',
  'network',
  'dependsOn',
  'group',
  'volumes',
  'origin',
])
const FIRST_LIMITS: ReadonlySet<string> = new Set<keyof App['limits']>(['memory', 'cpus', 'pids'])
/** An App that says nothing. */
const SILENT: App = App.parse({ name: 'silent', image: 'silent' })

/** The fields that count: those of `first`, and others that differ from what is there by default. */
function counting(said: object, unsaid: object, first: ReadonlySet<string>): object {
  const defaults = new Map(Object.entries(unsaid))
  return Object.fromEntries(
    Object.entries(said).filter(
      ([field, value]) => first.has(field) || stable(value) !== stable(defaults.get(field)),
    ),
  )
}

/**
 * Names what a container was made from: a container with another revision than its App's is made anew. What an App
 * gets later counts until it is named in APART: one made anew in vain is better than one that is not what its App says.
 */
export function revisionOf(app: App): string {
  const said = Object.entries(app).filter(([field]) => !APART.has(field))
  const made = counting(Object.fromEntries(said), SILENT, FIRST)
  const limits = counting(app.limits, SILENT.limits, FIRST_LIMITS)
  return createHash('sha256')
    .update(stable({ ...made, limits }))
    .digest('hex')
}

/** Whether a container is what `revision` says. One that was made by hand has none and is never replaced. */
export function isMadeFrom(container: Container, revision: string): boolean {
  const labels = readLabels(container.labels)
  return labels.ok && (labels.spec.revision === revision || isMadeByHand(labels.spec))
}
