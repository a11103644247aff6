import { complaints } from '../../launcher/api/problems.ts'
import { App } from '../../model/app.ts'
import { whyEndless } from '../../model/dependency.ts'
import { canonical } from '../../model/name.ts'
import { formatRoute, parseRoute } from '../../model/route.ts'
import type { Note, Path } from './note.ts'
import type { Draft } from './service.ts'

/** Where in the file a field of an App comes from. */
const KEYS: Record<string, string> = {
  ...{ env: 'environment', dependsOn: 'depends_on', health: 'healthcheck', limits: 'deploy' },
  ...{ port: 'ports', replicas: 'deploy', min: 'deploy', constraints: 'deploy' },
  ...{ stopTimeout: 'stop_grace_period', startTimeout: 'healthcheck' },
}
const CURE = 'change it, or leave the service out: name the others after the file'

/** The drafts that are apps by the same laws as everywhere. Adds to `notes` why the others are not. */
export function judge(drafts: readonly Draft[], notes: readonly Note[]): App[] {
  refuseTwins(drafts)
  refuseSharedRoutes(drafts)
  const made = new Map(drafts.flatMap((draft) => parse(draft)))
  const find = (name: string): App | null =>
    [...made.values()].find((app) => canonical(app.name) === canonical(name)) ?? null
  for (const [draft, app] of made) {
    const why = whyEndless(app, find)
    if (why !== null) draft.notes.refused(['depends_on'], why, CURE)
  }
  const isRefused = ({ service }: Draft): boolean =>
    notes.some((note) => note.kind === 'refused' && note.service === service)
  return [...made].flatMap(([draft, app]) => (isRefused(draft) ? [] : [app]))
}

function parse(draft: Draft): [Draft, App][] {
  const parsed = App.safeParse(draft.fields)
  if (parsed.success) return [[draft, parsed.data]]
  const isTold = (path: Path): boolean =>
    draft.notes.notes.some(
      ({ kind, service, key }) =>
        kind === 'refused' && service === draft.service && key.startsWith(String(path[0])),
    )
  for (const { path, message } of complaints(parsed.error)) {
    const [field = '', ...rest] = path.split('.')
    const at = pathOf(draft, field, rest)
    if (at.length === 0 || !isTold(at)) draft.notes.refused(at, message, CURE)
  }
  return []
}

function pathOf({ routes }: Draft, field: string, rest: string[]): Path {
  if (field === 'name') return []
  if (field === 'routes') return (routes[Number(rest[0] ?? 0)] ?? routes[0])?.at ?? []
  return [KEYS[field] ?? field, ...rest]
}

function refuseTwins(drafts: readonly Draft[]): void {
  const seen = new Map<string, string>()
  for (const { name, service, notes } of drafts) {
    const other = seen.get(canonical(name))
    if (other !== undefined)
      notes.refused([], `its name is that of ${other}, ignoring case`, 'rename one of them')
    else seen.set(canonical(name), service)
  }
}

/** Where nginx-proxy and Traefik spread requests for one host name over services. */
function refuseSharedRoutes(drafts: readonly Draft[]): void {
  const seen = new Map<string, string>()
  for (const { routes, service, notes } of drafts)
    for (const { text, at } of routes) {
      const route = parseRoute(text)
      const spelling = route ? formatRoute(route) : text
      const other = seen.get(spelling)
      if (other !== undefined)
        notes.refused(at, `${text} leads to ${other} already`, 'make it one service with replicas')
      else seen.set(spelling, service)
    }
}
