import type { App } from '../../model/app.ts'

/** How a request names its app: by its name, a route, a cookie, or a cookie that its gateway could not prove. */
const WAYS = ['name', 'route', 'cookie', 'claim'] as const
export type Way = (typeof WAYS)[number]

/** The way a request came. */
export interface Came {
  way: Way
  /** what the gateway takes away before the app sees the path */
  prefix: string
  /** the cookie that named the app, '' for none */
  proof: string
  /** a request that had to wait is sent to `/` instead of being carried on */
  redirects: boolean
}

const PREFIX = /^(?:\/[A-Za-z0-9._-]{1,128}){0,4}$/

/**
 * Reads how a request came; one of whom the gateway says nothing came by its name, the first segment.
 * @param text what is told under a name of the wake protocol, '' if nothing is
 */
export function wayOf(text: (name: string) => string): Came {
  const way = WAYS.find((known) => known === text('way'))
  const prefix = way === undefined ? `/${text('app')}` : text('prefix')
  return {
    way: way ?? 'name',
    prefix: PREFIX.test(prefix) ? prefix : '',
    proof: text('proof'),
    redirects: text('answer') === 'redirect',
  }
}

/** Whether an app is to be reached in this way. */
export function leads(app: App, way: Way): boolean {
  return app.route !== 'none' || (way === 'route' && app.routes.length > 0)
}

/**
 * Whether a cookie selects the app it names. Where cookies are signed, launchers look at every one of them, also at what
 * a gateway has proven; where this launcher has no key, nothing that its gateway doubts is believed.
 */
export function admits(
  { app, way, proof }: Came & { app: string },
  isSigned: ((app: string, cookie: string) => boolean) | null,
): boolean {
  if (way !== 'cookie' && way !== 'claim') return true
  return isSigned ? isSigned(app, proof) : way === 'cookie'
}
