import { createHash } from 'node:crypto'
import type { App } from '../model/app.ts'
import type { Container } from '../model/container.ts'
import { readLabels } from '../model/label.ts'

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
 * Names what a container was made from: a container with another revision than its App's is made anew. What an App
 * gets later counts until it is named in APART: one made anew in vain is better than one that is not what its App says.
 */
export function revisionOf(app: App): string {
  const made = Object.entries(app).filter(([field]) => !APART.has(field))
  return createHash('sha256')
    .update(stable(Object.fromEntries(made)))
    .digest('hex')
}

/** Whether a container is what `revision` says. One that was made by hand has none and is never replaced. */
export function isMadeFrom(container: Container, revision: string): boolean {
  const labels = readLabels(container.labels)
  return labels.ok && (labels.spec.revision === revision || labels.spec.revision === '')
}
