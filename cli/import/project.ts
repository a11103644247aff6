import { basename, dirname, resolve } from 'node:path'
import type { App } from '../../model/app.ts'
import { isAppName } from '../../model/name.ts'
import { misuse } from '../failure.ts'
import { isRecord, type Source } from './document.ts'
import { judge } from './judge.ts'
import { type Note, Notebook, type Path } from './note.ts'
import { readSessions, type Sessions } from './sablier.ts'
import { readService } from './service.ts'
import { tie } from './tie.ts'
import { REPLACED } from './unsupported.ts'
import { readNames, readPairs, readWords, textOf } from './value.ts'

/** What a file becomes. A service with a refused note has no app. */
export interface Plan {
  apps: App[]
  /** in the order of the file */
  notes: Note[]
}

/** More services than a file of a person has. */
const MOST = 200

/**
 * Turns the services of a file, or those named in `only`, into apps.
 * @throws Failure if there are too many, or one that is named is not there
 */
export function importProject(source: Source, only: readonly string[]): Plan {
  const notes: Note[] = []
  const services = source.data.services as Record<string, unknown>
  const bookOf = (service: string): Notebook =>
    new Notebook(service, notes, (path) => source.lineOf(['services', service, ...path]))
  tellTop(source, new Notebook('', notes, (path) => source.lineOf(path)))
  const names = choose(source, Object.keys(services), only).filter(
    (name) => !isReplaced(services[name], bookOf(name)),
  )
  tellVariables(source, names, bookOf)
  const drafts = names.map((name) => readService(name, services[name], bookOf(name)))
  tie(drafts, sessionsOf(services), projectOf(source))
  const apps = judge(drafts, notes)
  notes.sort((a, b) => (a.line ?? 0) - (b.line ?? 0))
  return { apps, notes }
}

function choose({ name }: Source, all: string[], only: readonly string[]): string[] {
  if (all.length > MOST)
    throw misuse(`${name} has ${all.length} services, more than ${MOST}`, 'Name those to import.')
  const missing = only.find((service) => !all.includes(service))
  if (missing !== undefined)
    throw misuse(`${name} has no service ${missing}`, `It has ${all.join(', ')}.`)
  return only.length > 0 ? all.filter((service) => only.includes(service)) : all
}

/** The name of an image without its tag: what it is, whoever's copy. */
function bareImage(value: unknown): string {
  const image = isRecord(value) ? (textOf(value.image) ?? '') : ''
  return image.replace(/^(?:docker\.io\/|ghcr\.io\/)/, '').replace(/@.*$|:[^/]*$/g, '')
}

function isReplaced(value: unknown, notes: Notebook): boolean {
  const why = REPLACED.get(bareImage(value))
  if (why !== undefined) notes.left(['image'], why, 'stop it once all apps are here')
  return why !== undefined
}

const CONFIG =
  'import what `docker compose config` prints: docker compose config | reveille import -'

function tellVariables(
  { unset, defaulted }: Source,
  names: readonly string[],
  bookOf: (service: string) => Notebook,
): void {
  const split = ([, service, ...path]: Path): [string, Path] => [String(service), path]
  for (const { path, variable } of unset) {
    const [service, rest] = split(path)
    if (names.includes(service))
      bookOf(service).refused(rest, `$${variable} has no value here`, CONFIG)
  }
  for (const { path, variable, value, without } of defaulted) {
    const [service, rest] = split(path)
    const what =
      without === ''
        ? `$${variable} is ${value === '' ? 'empty' : value}, its default`
        : `$${variable} has no value here: ${without}, which is for when it has one, is left out`
    if (names.includes(service)) bookOf(service).changed(rest, what, CONFIG)
  }
}

const TOP = new Set(['version', 'name', 'services', 'networks', 'volumes', 'secrets', 'configs'])

/** What stands beside the services. */
function tellTop({ data }: Source, notes: Notebook): void {
  if ('include' in data) notes.left(['include'], 'only the file itself is read', CONFIG)
  for (const key of Object.keys(data))
    if (!TOP.has(key) && key !== 'include' && !key.startsWith('x-'))
      notes.left([key], 'is no key that Reveille knows', 'write apps below services:')
  tellSettings(data, 'networks', notes, [
    'Reveille makes the network of a group itself, and nothing else is in it',
    'import together what belongs together, or name others by an address',
  ])
  tellSettings(data, 'volumes', notes, [
    'Reveille makes its volumes itself',
    'copy what is in the old one: docs/from/compose.md',
  ])
}

/** What needs no word of a network or a volume. */
const PLAIN = new Set(['name', 'labels', 'attachable'])
const USUAL = new Set<unknown>([false, 'local', 'bridge', 'default'])

function tellSettings(
  data: Record<string, unknown>,
  kind: string,
  notes: Notebook,
  [why, instead]: [string, string],
): void {
  for (const [name, value] of Object.entries(isRecord(data[kind]) ? data[kind] : {}))
    for (const [key, setting] of Object.entries(isRecord(value) ? value : {}))
      if (!PLAIN.has(key) && !USUAL.has(setting)) notes.left([kind, name, key], why, instead)
}

/** The name of the project, for a group: the file's own, else its folder's. */
function projectOf({ data, name }: Source): string {
  const folder = name === 'stdin' ? '' : basename(dirname(resolve(name)))
  const text = (textOf(data.name) ?? folder).replaceAll(/[^A-Za-z0-9_-]/g, '-').slice(0, 50)
  return isAppName(text) ? text : 'imported'
}

function sessionsOf(services: Record<string, unknown>): Sessions {
  const all = Object.values(services).filter(isRecord)
  const labels = all.flatMap((service) => readPairs(service.labels) ?? [])
  const sablier = all.find((service) => /(?:^|\/)sablier$/.test(bareImage(service)))
  const command = sablier?.command
  const words = Array.isArray(command) ? readNames(command) : readWords(textOf(command) ?? '')
  return readSessions(labels, words ?? [])
}
