import { z } from 'zod'

// The grammar of image references: github.com/distribution/reference, regexp.go.
const COMPONENT = '[a-z0-9]+(?:(?:\\.|_{1,2}|-+)[a-z0-9]+)*'
const HOST =
  '(?:localhost|[A-Za-z0-9-]+(?:\\.[A-Za-z0-9-]+)+|[A-Za-z0-9-]+(?=:[0-9]))(?::[0-9]{1,5})?'
const REFERENCE = new RegExp(
  `^(?:(?<registry>${HOST})/)?(?<path>${COMPONENT}(?:/${COMPONENT})*)(?::[A-Za-z0-9_][A-Za-z0-9_.-]{0,127})?(?:@sha256:[0-9a-f]{64})?$`,
)

/** The registry an image comes from, `docker.io` where none is named; null if `image` is no reference. */
export function registryOf(image: string): string | null {
  if (image.length > 512) return null
  const match = REFERENCE.exec(image)
  return match ? (match.groups?.registry ?? 'docker.io') : null
}

/** What an image is called in its registry, in parts: `r.example:5000/foo/bar:1@sha256:...` is foo, bar; null if it has no name. */
export function repositoryOf(image: string): string[] | null {
  if (image.length > 512) return null
  return REFERENCE.exec(image)?.groups?.path?.split('/') ?? null
}

/** Whether an image is one that Reveille makes itself, as that of sandboxes: what a registry has under such a name is another. */
export function isMadeHere(image: string): boolean {
  return image.startsWith('localhost/reveille/')
}

/** The image of the demo's apps (cli/setup/demo-image.sh makes it). */
export const DEMO_IMAGE = 'localhost/reveille/demo:1'

/** Addresses in every spelling a resolver takes (127.0.0.1, 127.1, 0x7f.1): no top-level domain is a number. */
const NUMERIC = /(?:^|\.)(?:[0-9]+|0x[0-9a-f]*)$/i

/** Names of private networks: cloud metadata (metadata.google.internal), mDNS, this machine, and hosts without a domain. */
const PRIVATE = /(?:^|\.)(?:internal|local|localhost)$|^[^.]+$/i

/**
 * Whether images may be pulled from `registry`. `*` in `allowed` admits every registry with a public name, but none
 * given as an IP address or by a name of a private network: a pull is a request this machine makes for whoever wrote
 * the reference. Those are allowed when they are listed.
 */
export function isAllowedRegistry(registry: string, allowed: readonly string[]): boolean {
  if (allowed.includes(registry)) return true
  const host = registry.replace(/:[0-9]+$/, '')
  return allowed.includes('*') && !PRIVATE.test(host) && !NUMERIC.test(host)
}

/** Whether an App may have an image: from an allowed registry, or the demo's, which comes from none. */
export function isAllowedImage(image: string, registries: readonly string[]): boolean {
  const registry = registryOf(image)
  return image === DEMO_IMAGE || (registry !== null && isAllowedRegistry(registry, registries))
}

export const Image = z
  .string()
  .refine((image) => registryOf(image) !== null, 'must be an image reference like name:tag')
