import { createHash } from 'node:crypto'
import type { App } from '../model/app.ts'

/** JSON with sorted keys: the same value is the same text. */
function stable(value: unknown): string {
  return JSON.stringify(value, (_key, inner: unknown) =>
    inner !== null && typeof inner === 'object' && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  )
}

/** Names what a container was made from: a container with another revision than its App's is made anew. */
export function revisionOf(app: App): string {
  return createHash('sha256').update(stable(app)).digest('hex')
}
