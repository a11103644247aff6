import { isAppName } from '../../model/name.ts'
import { isRecord } from './document.ts'
import { readHealth } from './health.ts'
import { readNeeds, readNetworks } from './needs.ts'
import type { Notebook } from './note.ts'
import { readReach } from './port.ts'
import { readResources } from './resources.ts'
import { readSablier, type Sablier } from './sablier.ts'
import { readTraefik, tellLabels } from './traefik.ts'
import { SILENT, UNSUPPORTED } from './unsupported.ts'
import { type Pair, type PlacedRoute, readPairs, readSeconds, readWords, textOf } from './value.ts'
import { readVirtual } from './virtual-host.ts'
import { readVolumes } from './volume.ts'

/** A service on its way to an App: what it says of itself, without the others. */
export interface Draft {
  service: string
  name: string
  notes: Notebook
  /** of an App, as far as they are known */
  fields: Record<string, unknown>
  /** whether others than its group are to reach it */
  isPublished: boolean
  /** the routes of its fields, in their order */
  routes: PlacedRoute[]
  /** services it needs, by their names in the file */
  needs: string[]
  /** networks of the file it is in */
  networks: string[]
  sablier: Sablier
}

const READ = new Set([
  ...[
    'image',
    'build',
    'command',
    'environment',
    'labels',
    'ports',
    'expose',
    'volumes',
    'healthcheck',
  ],
  ...['depends_on', 'networks', 'deploy', 'scale', 'mem_limit', 'cpus', 'pids_limit', 'restart'],
  ...['stop_grace_period', 'extends'],
])

/** Reads one service of the file. What an App cannot have is in its notes. */
export function readService(service: string, value: unknown, notes: Notebook): Draft {
  const data = isRecord(value) ? value : {}
  if (!isRecord(value)) notes.refused([], 'is no map', 'write its image: below it')
  tellUnsupported(data, notes)
  const environment = readPairsOf('environment', data, notes)
  const labels = readPairsOf('labels', data, notes)
  const sablier = readSablier(labels, notes)
  const virtual = readVirtual(environment, notes)
  const traefik = readTraefik(labels, notes)
  tellLabels(labels, notes)
  const routes = distinct([...virtual.routes, ...traefik.routes])
  const isReached = routes.length > 0 || traefik.isEnabled
  const image = readImage(data, notes)
  const { limits, constraints, replicas } = readResources(data, notes)
  const reach = readReach(
    data,
    {
      port: virtual.port ?? traefik.port,
      isReached,
      // where nginx-proxy and most images of the web have it
      fallback: isReached || sablier.isEnabled ? 80 : null,
    },
    image,
    notes,
  )
  const fields: Record<string, unknown> = {
    name: nameOf(service, notes),
    image,
    ...(reach && { port: reach.port, route: reach.isPublished ? 'path' : 'none' }),
    ...(routes.length > 0 && { routes: routes.map(({ text }) => text) }),
    env: readEnvironment(virtual.rest, notes),
    ...readCommand(data.command, notes),
    ...readHealth(data.healthcheck, notes),
    ...readStop(data.stop_grace_period, notes),
    volumes: readVolumes(data.volumes, notes),
    limits: { ...limits, ...sablier.limits },
    constraints,
    replicas: sablier.replicas ?? replicas ?? 1,
    min: sablier.min ?? 0,
  }
  return {
    ...{ service, name: String(fields.name), notes, fields, sablier },
    routes,
    isPublished: reach?.isPublished ?? false,
    needs: readNeeds(data, notes),
    networks: readNetworks(data, notes),
  }
}

/** The first of those that say the same. */
function distinct(routes: readonly PlacedRoute[]): PlacedRoute[] {
  return routes.filter(({ text }, at) => routes.findIndex((other) => other.text === text) === at)
}

function tellUnsupported(data: Record<string, unknown>, notes: Notebook): void {
  for (const key of Object.keys(data)) {
    const [why, instead] = UNSUPPORTED.get(key) ?? []
    // A switch that is off asks for nothing.
    if (why !== undefined && instead !== undefined) {
      if (data[key] !== false) notes.left([key], why, instead)
    } else if (!READ.has(key) && !SILENT.has(key) && !key.startsWith('x-'))
      notes.left(
        [key],
        'is no key that Reveille knows',
        'see what an app may have: reveille app add --help',
      )
  }
  if ('extends' in data)
    notes.refused(['extends'], 'is in another place', 'import what `docker compose config` prints')
}

function nameOf(service: string, notes: Notebook): string {
  const name = service.replaceAll('.', '-').replace(/^[-_]+|[-_]+$/g, '')
  if (name !== service && isAppName(name))
    notes.changed(
      [],
      `an app cannot be called ${service}: it is ${name}`,
      'ask for it by that name',
    )
  return name
}

function readImage(data: Record<string, unknown>, notes: Notebook): string {
  const image = textOf(data.image)
  const build = 'build it and push it (docker compose build, docker compose push)'
  if (image !== null && image !== '') {
    if ('build' in data) notes.left(['build'], 'Reveille builds no images', build)
    return image
  }
  notes.refused(
    ['build' in data ? 'build' : 'image'],
    'it has no image',
    `${build}, and name it: image:`,
  )
  return ''
}

function readPairsOf(key: string, data: Record<string, unknown>, notes: Notebook): Pair[] {
  if (data[key] === undefined || data[key] === null) return []
  const pairs = readPairs(data[key])
  if (pairs) return pairs
  notes.refused([key], 'is neither a map nor a list', 'write a map, like NAME: value')
  return []
}

function readEnvironment(pairs: readonly Pair[], notes: Notebook): Record<string, string> {
  const env: [string, string][] = pairs.flatMap(({ key, value, path }) => {
    if (value !== null) return [[key, value]]
    notes.left(
      ['environment', ...path],
      'it has no value here: compose takes it from your shell',
      'give it one, or import what `docker compose config` prints',
    )
    return []
  })
  return Object.fromEntries(env)
}

function readCommand(value: unknown, notes: Notebook): { command?: string[] } {
  if (value === undefined || value === null) return {}
  const words = Array.isArray(value)
    ? value.map((word) => textOf(word) ?? '')
    : readWords(textOf(value) ?? '')
  if (words === null) notes.refused(['command'], 'has a quote that does not end', 'write a list')
  return words && words.length > 0 ? { command: words } : {}
}

function readStop(value: unknown, notes: Notebook): { stopTimeout?: number } {
  if (value === undefined || value === null) return {}
  const seconds = readSeconds(textOf(value))
  if (seconds === null) notes.refused(['stop_grace_period'], 'is no time', 'write it like 1m30s')
  return seconds === null ? {} : { stopTimeout: Math.max(1, seconds) }
}
