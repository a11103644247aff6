import { createHash } from 'node:crypto'
import type { App } from '../../model/app.ts'
import type { ForeignContainer } from '../../model/container.ts'
import { type Endpoint, formatEndpoint, parseEndpoint } from '../../model/endpoint.ts'
import { repositoryOf } from '../../model/image.ts'
import { parseRoute } from '../../model/route.ts'

/** What is published there is for this machine alone: the gateway may be elsewhere. */
const LOOPBACK = /^(?:127\.|::1$)/

/** Opts a container in, or with `false` out. */
export const DISCOVER_LABEL = 'reveille.discover'

/** A pool of containers of one image. */
export interface Found {
  /** of the pool */
  name: string
  /** what leads to it */
  routes: string[]
}

/**
 * The pool of an image: `foo/bar` is reached at `/foo/bar`, below `domain` also at the host `bar.<domain>`. Null where the
 * image has no name (it is known by its id alone), or one that is no path.
 * @param domain '' for none
 */
export function poolOf(image: string, domain: string): Found | null {
  const parts = image.startsWith('sha256:') ? null : repositoryOf(image)
  if (!parts) return null
  const path = `/${parts.join('/')}`
  if (!parseRoute(path)) return null
  const host = `${parts.at(-1)}.${domain}`
  const routes = domain !== '' && parseRoute(host) ? [path, host] : [path]
  return { name: nameOf(parts), routes }
}

/**
 * What an image may have beside the apps that are stored, as whoever starts a container chooses its name: null where the
 * pool would be called like one of them; without routes into what the name of one leads to.
 * @param app the App that is stored under a name
 */
export function besides(
  { name, routes }: Found,
  pathPrefix: string,
  app: (name: string) => Pick<App, 'route'> | undefined,
): Found | null {
  if (app(name)) return null
  const leads = (text = ''): boolean => (app(text)?.route ?? 'none') !== 'none'
  const below = `${pathPrefix.toLowerCase()}/`
  const isFree = (text: string): boolean => {
    const [host = ''] = text.split('/')
    if (host !== '') return !leads(host.split('.')[0])
    return !text.startsWith(below) || !leads(text.slice(below.length).split('/')[0])
  }
  return { name, routes: routes.filter(isFree) }
}

/** `foo/bar` is foo-bar; what another image could be called as well has a hash behind it. */
function nameOf(parts: string[]): string {
  const plain = parts.join('-')
  if (parts.every((part) => /^[a-z0-9]+$/.test(part)) && plain.length <= 63) return plain
  const hash = createHash('sha256').update(parts.join('/')).digest('hex').slice(0, 8)
  return `${plain.replaceAll(/[._-]+/g, '-').slice(0, 54)}-${hash}`.replaceAll(/-+/g, '-')
}

/** Whether a container is to be reached. */
export function isWanted({ labels }: ForeignContainer, mode: 'label' | 'image'): boolean {
  const label = labels[DISCOVER_LABEL]
  return mode === 'label' ? label === 'true' : label !== 'false'
}

/**
 * Where each of its ports would be reached: where it is published, else at its own address.
 * @param address of this host, for what is published on all of its addresses
 */
export function candidatesOf(
  { published, addresses }: ForeignContainer,
  ports: readonly number[],
  address: string,
): Endpoint[] {
  return ports
    .flatMap((port) => {
      const outside = published[port]
      if (!outside || LOOPBACK.test(outside.host))
        return addresses.slice(0, 1).map((host) => ({ host, port }))
      const host = ['0.0.0.0', '::'].includes(outside.host) ? address : outside.host
      return host === '' ? [] : [{ host, port: outside.port }]
    })
    .filter((endpoint) => parseEndpoint(formatEndpoint(endpoint)) !== null)
}
