import { parseRoute } from '../../model/route.ts'
import type { Notebook } from './note.ts'
import type { Pair, PlacedRoute } from './value.ts'

/** Variables by which nginx-proxy and its companion are told what to do: the gateway's, not the app's. */
const OURS =
  /^(?:VIRTUAL_(?:HOST|PATH|DEST|PORT|PROTO|ROOT|HOST_MULTIPORTS)|LETSENCRYPT_\w+|ACME_\w+|HTTPS_METHOD|HSTS|CERT_NAME|SSL_POLICY|NETWORK_ACCESS|SERVER_TOKENS|NON_GET_REDIRECT|ENABLE_HTTP_ON_MISSING_CERT)$/
const TLS =
  /^(?:LETSENCRYPT_|ACME_|HTTPS_METHOD$|HSTS$|CERT_NAME$|SSL_POLICY$|NON_GET_REDIRECT$|ENABLE_HTTP)/

export interface Virtual {
  routes: PlacedRoute[]
  port: number | null
  /** the variables that are the app's own */
  rest: Pair[]
}

/** What nginx-proxy is told by the environment of a service: its host names and path, as routes. */
export function readVirtual(environment: readonly Pair[], notes: Notebook): Virtual {
  const rest = environment.filter(({ key }) => !OURS.test(key))
  const find = (key: string): Pair | undefined => environment.find((pair) => pair.key === key)
  const at = (key: string) => ['environment', ...(find(key)?.path ?? [])]
  const value = (key: string): string => find(key)?.value ?? ''
  for (const { key, path } of environment)
    if (TLS.test(key))
      notes.left(
        ['environment', ...path],
        'the gateway speaks plain HTTP',
        'put your TLS in front of it',
      )
  if (find('NETWORK_ACCESS'))
    notes.left(
      at('NETWORK_ACCESS'),
      'whoever reaches the gateway reaches it',
      'where that is too many: reveille app set <app> --route none',
    )
  for (const key of ['VIRTUAL_ROOT', 'SERVER_TOKENS', 'VIRTUAL_HOST_MULTIPORTS'])
    if (find(key)) notes.left(at(key), 'the gateway has nothing like it', 'add routes: --route')
  if (find('VIRTUAL_PROTO') && value('VIRTUAL_PROTO') !== 'http')
    notes.left(at('VIRTUAL_PROTO'), 'the gateway speaks HTTP to apps', 'have the app speak HTTP')
  if (find('VIRTUAL_PORT') && !/^[0-9]{1,5}$/.test(value('VIRTUAL_PORT')))
    notes.refused(at('VIRTUAL_PORT'), 'is no port', 'write a number')
  const port = /^[0-9]{1,5}$/.test(value('VIRTUAL_PORT')) ? Number(value('VIRTUAL_PORT')) : null
  const routes = find('VIRTUAL_HOST') ? readRoutes(value, at, notes) : []
  return { routes, port, rest }
}

function readRoutes(
  value: (key: string) => string,
  at: (key: string) => (string | number)[],
  notes: Notebook,
): PlacedRoute[] {
  const path = value('VIRTUAL_PATH').replace(/\/$/, '')
  if (path !== '' && value('VIRTUAL_DEST') !== '/')
    notes.changed(
      at(value('VIRTUAL_DEST') === '' ? 'VIRTUAL_PATH' : 'VIRTUAL_DEST'),
      `the app sees / where it was asked for ${path}/`,
      'it finds the path before it in X-Forwarded-Prefix',
    )
  return value('VIRTUAL_HOST')
    .split(',')
    .map((host) => host.trim().toLowerCase())
    .filter((host) => host !== '')
    .flatMap((host) => {
      const route = `${host}${path}`
      if (parseRoute(route) !== null) return [{ text: route, at: at('VIRTUAL_HOST') }]
      notes.left(
        at('VIRTUAL_HOST'),
        `${route} is no route: a host name with a dot, then a path of plain segments`,
        'name each host; of a domain whose first labels are apps: controller --domain',
      )
      return []
    })
}
