import { depthOf } from '../model/route.ts'
import type { Awarded } from './award.ts'
import type { GatewayPlan } from './plan.ts'

/** One thing a proxy looks at to see whom a request is for. */
export type Step =
  | {
      kind: 'routes'
      /** whether they have a host */
      hosted: boolean
      /** whether they are for a path alone */
      exact: boolean
      /** segments of their paths; of those for a path alone 0 */
      depth: number
      routes: Awarded[]
    }
  | { kind: 'domain' | 'names' | 'cookie' }

/**
 * In which order a proxy looks: the first thing that leads somewhere decides. Empty where nothing but names at `/<name>/`
 * does, so that a gateway without routes does nothing for them.
 */
export function stepsOf({ routes, reading }: Pick<GatewayPlan, 'routes' | 'reading'>): Step[] {
  const { pathPrefix, domain, cookie } = reading
  if (routes.length + pathPrefix.length + domain.length + cookie.length === 0) return []
  const all = [...routes, ...homeRoute(routes, reading)]
  // Names behind a prefix are as specific as a route of as many segments; without one, any route comes before them.
  const named = pathPrefix === '' ? 0 : pathPrefix.split('/').length
  return [
    ...group(all, true),
    ...(domain === '' ? [] : [{ kind: 'domain' as const }]),
    ...group(all, false, (step) => step.exact || step.depth >= Math.max(1, named)),
    ...(named > 0 ? [{ kind: 'names' as const }] : []),
    ...group(all, false, (step) => !step.exact && step.depth < Math.max(1, named)),
    ...(cookie === '' && named === 0 ? [{ kind: 'names' as const }] : []),
    ...(cookie === '' ? [] : [{ kind: 'cookie' as const }]),
  ]
}

/** How many segments of a path have to be known apart. */
export function depthsOf(steps: readonly Step[]): number[] {
  const depths = steps.flatMap((step) =>
    step.kind === 'routes' && step.depth > 0 ? step.depth : [],
  )
  return [...new Set(depths)].sort((left, right) => left - right)
}

/** The apps that routes lead to. */
export function targetsOf(steps: readonly Step[]): Set<string> {
  const routes = steps.flatMap((step) => (step.kind === 'routes' ? step.routes : []))
  return new Set(routes.map(({ app }) => app))
}

type RouteStep = Extract<Step, { kind: 'routes' }>

/** Routes that are looked up at once, the most specific ones first. */
function group(
  routes: readonly Awarded[],
  hosted: boolean,
  fits: (step: RouteStep) => boolean = () => true,
): RouteStep[] {
  const steps = new Map<string, RouteStep>()
  for (const route of routes) {
    if ((route.host !== '') !== hosted) continue
    const { exact } = route
    const depth = exact ? 0 : depthOf(route)
    const key = `${exact} ${depth}`
    const step = steps.get(key) ?? { kind: 'routes', hosted, exact, depth, routes: [] }
    steps.set(key, step)
    step.routes.push(route)
  }
  return [...steps.values()]
    .filter(fits)
    .sort((left, right) => Number(right.exact) - Number(left.exact) || right.depth - left.depth)
}

/** The prefix of the app where requests without a cookie are sent, '' where that is none of this gateway. */
export function homeOf({ cookie, fallback, pathPrefix }: GatewayPlan['reading']): string {
  const [path = ''] = fallback.split('?')
  const isBelow = pathPrefix !== '' && path.toLowerCase().startsWith(`${pathPrefix.toLowerCase()}/`)
  const below = isBelow ? pathPrefix : ''
  const [, segment = ''] = path.slice(below.length).split('/')
  return cookie !== '' && path.startsWith('/') && segment !== '' ? `${below}/${segment}` : ''
}

/** Where requests without a cookie are sent must not need one: the app that the fallback's first segment names. */
function homeRoute(
  routes: readonly Awarded[],
  { cookie, fallback, pathPrefix }: GatewayPlan['reading'],
): Awarded[] {
  const [, segment, name] =
    /^(\/([A-Za-z0-9](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9])?))(?:[/?]|$)/.exec(fallback) ?? []
  if (cookie === '' || segment === undefined || name === undefined) return []
  const path = segment.toLowerCase()
  if (pathPrefix !== '' && fallback.toLowerCase().startsWith(`${pathPrefix.toLowerCase()}/`))
    return []
  if (routes.some((route) => route.host === '' && !route.exact && route.path === path)) return []
  return [{ host: '', path, exact: false, app: name.toLowerCase() }]
}
