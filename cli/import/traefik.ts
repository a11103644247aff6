import { parseRoute } from '../../model/route.ts'
import { isTraefikPort } from '../../model/traefik.ts'
import type { Notebook } from './note.ts'
import type { Pair, PlacedRoute } from './value.ts'

const RULE = /^traefik\.http\.routers\.[^.]+\.rule$/i
/** Of its rules, those that a route can say. */
const SIMPLE = /^(?:Host\(`(?<host>[^`]+)`\))?(?: *&& *)?(?:PathPrefix\(`(?<path>[^`]*)`\))?$/

export interface Traefik {
  routes: PlacedRoute[]
  port: number | null
  /** whether Traefik is told to lead there */
  isEnabled: boolean
}

/** What Traefik is told by the labels of a service. */
export function readTraefik(labels: readonly Pair[], notes: Notebook): Traefik {
  const port = labels.find(({ key }) => isTraefikPort(key))?.value ?? ''
  const rules = labels.filter(({ key }) => RULE.test(key))
  const isEnabled = labels.some(({ key, value }) => key === 'traefik.enable' && value === 'true')
  return {
    routes: rules.flatMap((rule) => readRule(rule, notes) ?? []),
    port: /^[0-9]{1,5}$/.test(port) ? Number(port) : null,
    isEnabled: isEnabled || rules.length > 0,
  }
}

function readRule({ value, path: at }: Pair, notes: Notebook): PlacedRoute | null {
  const { host = '', path = '' } = SIMPLE.exec(value ?? '')?.groups ?? {}
  const route = `${host.toLowerCase()}${path.replace(/\/$/, '')}`
  if (parseRoute(route) === null) {
    const why = 'it is no route: a host name with a dot, a path of plain segments, or both'
    notes.left(['labels', ...at], why, 'name them: reveille app set <app> --route ...')
    return null
  }
  if (path.length > 1)
    notes.changed(
      ['labels', ...at],
      `the app sees / where it was asked for ${path}/`,
      'it finds the path before it in X-Forwarded-Prefix',
    )
  return { text: route, at: ['labels', ...at] }
}

/** Labels that say something to Reveille, here or in other places, or to nobody but who wrote them. */
const READ = /^(?:traefik\.(?:enable|docker\.)|sablier\.|com\.docker\.|org\.opencontainers\.)/

const MIDDLEWARES = /^traefik\.http\.routers\.[^.]+\.middlewares$/i
const GUARD =
  /^traefik\.http\.middlewares\.[^.]+\.(?:basicauth|digestauth|forwardauth|ipwhitelist|ipallowlist|plugin\.(?!sablier\.))/i

/** Whether a label may say who is let in; what a middleware of another file does is not known. */
function isGuard({ key, value }: Pair): boolean {
  const names = (value ?? '').split(',').filter((name) => !/sablier/i.test(name))
  return GUARD.test(key) || (MIDDLEWARES.test(key) && names.length > 0)
}

/** One word about all other labels: a container of an app has Reveille's own. */
export function tellLabels(labels: readonly Pair[], notes: Notebook): void {
  const guards = labels.filter((label) => isGuard(label))
  if (guards[0])
    notes.left(
      ['labels', ...guards[0].path],
      `${guards.map(({ key }) => key).join(', ')}: a password that is asked for, or who may come, is not asked here: whoever reaches the gateway reaches it`,
      'have it asked before the gateway, or no gateway lead there: reveille app set <app> --route none',
    )
  const others = labels.filter(
    ({ key }) =>
      !(
        guards.some((guard) => guard.key === key) ||
        READ.test(key) ||
        isTraefikPort(key) ||
        RULE.test(key) ||
        /\.plugin\.sablier\./i.test(key)
      ),
  )
  const [first] = others
  if (!first) return
  const names = others.map(({ key }) => key)
  const some = names.length > 4 ? [...names.slice(0, 3), `${names.length - 3} more`] : names
  notes.left(['labels', ...first.path], `${some.join(', ')}: an app has no labels of its own`, '')
}
