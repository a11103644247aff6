import { z } from 'zod'
import { fillName } from './name.ts'

/** How requests reach an app besides its name: by host, by path, or both. */
export interface Route {
  /** host name in lower case; '' for any */
  host: string
  /** segments before what the app sees, in lower case, like `/foo/bar`; '' for all */
  path: string
  /** for the path itself, with or without a slash at its end, and not for what is below it */
  exact: boolean
}

/** Most characters of a route: with what a proxy's map needs besides, it fits into a bucket of it. */
const LONGEST = 200

/** RFC 1123, in lower case as DNS compares it. */
const LABEL = '[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?'
/** Begins and ends with a letter or digit: no dot segments, none of the gateway's own paths, nothing encoded. */
const SEGMENT = '[A-Za-z0-9](?:[A-Za-z0-9._-]{0,126}[A-Za-z0-9])?'

const HOST = new RegExp(`^${LABEL}(?:\\.${LABEL})*$`)
/** With a dot in it, so that `foo/bar` is no host foo, and `none` none at all. */
const DOTTED = `localhost|${LABEL}(?:\\.${LABEL})+`
const PATH = new RegExp(`^(?:/${SEGMENT}){1,3}$`)
const ROUTE = new RegExp(
  `^(?<exact>=?)(?<host>(?:${DOTTED})?)(?<path>(?:/${SEGMENT}){0,3})(?<slash>/?)$`,
)

const LAW =
  'must be like shop.example.com, /foo/bar, shop.example.com/api, =/exact/path or /: a host name in lower case with a dot, a path of at most 3 plain segments, or both'

/** Whether it is a host name in lower case. */
export function isHostName(text: string): boolean {
  return text.length <= LONGEST && HOST.test(text)
}

/** Whether it is a path of one to three plain segments, without a slash at its end. */
export function isPlainPath(text: string): boolean {
  return text.length <= LONGEST && PATH.test(text)
}

/** Reads `[=][host][/path]`; null if it is none. Paths are compared ignoring case, as names are. */
export function parseRoute(text: string): Route | null {
  if (text.length > LONGEST) return null
  const { exact, host, path, slash } = ROUTE.exec(text)?.groups ?? {}
  if (host === undefined || path === undefined || host + path + slash === '') return null
  return { host, path: path.toLowerCase(), exact: exact === '=' }
}

/** A route's one spelling. */
export function formatRoute({ host, path, exact }: Route): string {
  const all = host === '' && path === '' ? '/' : ''
  return `${exact ? '=' : ''}${host}${path}${all}`
}

/** Orders routes by how specific they are: one with a host, one for a path alone, the one with more segments first. */
export function compareRoutes(left: Route, right: Route): number {
  return (
    Number(left.host === '') - Number(right.host === '') ||
    Number(right.exact) - Number(left.exact) ||
    depthOf(right) - depthOf(left) ||
    compare(left.host, right.host) ||
    compare(left.path, right.path)
  )
}

/** Segments of its path. */
export function depthOf({ path }: Route): number {
  let depth = 0
  for (let at = path.indexOf('/'); at >= 0; at = path.indexOf('/', at + 1)) depth += 1
  return depth
}

function compare(left: string, right: string): number {
  return left === right ? 0 : left < right ? -1 : 1
}

export const RouteText = z.string().refine((text) => parseRoute(text) !== null, LAW)

/** A text that is a route once `{{name}}` in it stands for a name. */
export const RouteTemplate = z
  .string()
  .refine((text) => parseRoute(fillName(text, 'x')) !== null, LAW)

const spelling = (text: string): string => {
  const route = parseRoute(fillName(text, 'x'))
  return route ? formatRoute(route) : text
}

const list = (item: typeof RouteText) =>
  z
    .array(item)
    .max(16, 'must be at most 16')
    .refine(
      (texts) => new Set(texts.map(spelling)).size === texts.length,
      'must be distinct, ignoring case and a slash at the end',
    )

export const Routes = list(RouteText)
export const RouteTemplates = list(RouteTemplate)
