import { isAppName } from './name.ts'

/** What a key under the prefix is about. */
export type Key =
  | { kind: 'endpoint'; app: string; slot: number }
  | { kind: NamedKind; name: string }
  | { kind: 'claim'; app: string; slot: number }

export type NamedKind =
  | 'app'
  | 'blueprint'
  | 'pool'
  | 'host'
  | 'drain'
  | 'room'
  | 'launcher'
  | 'gateway'
  | 'activity'
  | 'roll'
  | 'home'

const FOLDER: Record<NamedKind, string> = {
  app: 'apps',
  blueprint: 'blueprints',
  pool: 'pools',
  host: 'hosts',
  drain: 'drains',
  room: 'rooms',
  launcher: 'launchers',
  gateway: 'gateways',
  activity: 'activity',
  roll: 'rolls',
  home: 'homes',
}
const KIND = new Map(Object.entries(FOLDER).map(([kind, folder]) => [folder, kind as NamedKind]))
/** Kinds named like apps; the others have host names. */
const OF_APPS: ReadonlySet<NamedKind> = new Set([
  'app',
  'blueprint',
  'pool',
  'activity',
  'roll',
  'home',
])
const SLOT = /^(?:[1-9][0-9]?|0)$/

/** Ids of hosts, launchers and gateways: host names, so dots are allowed inside. */
const ID = /^[A-Za-z0-9](?:[A-Za-z0-9._-]{0,126}[A-Za-z0-9])?$/

export function isId(text: string): boolean {
  return ID.test(text)
}

/** Builds and reads etcd keys. Slot 0's Endpoint has no slot in its key: `etcdctl get /services/clusters/A`. */
export class Keys {
  readonly prefix: string

  /** @param prefix what every key begins with, without a trailing slash */
  constructor(prefix = '/services') {
    this.prefix = prefix
  }

  /** The key range of one kind, to list or watch. */
  folder(kind: Key['kind']): string {
    if (kind === 'endpoint') return `${this.prefix}/clusters/`
    if (kind === 'claim') return `${this.prefix}/claims/`
    return `${this.prefix}/${FOLDER[kind]}/`
  }

  endpoint(app: string, slot: number): string {
    return `${this.folder('endpoint')}${app}${slot === 0 ? '' : `/${slot}`}`
  }

  claim(app: string, slot: number): string {
    return `${this.folder('claim')}${app}/${slot}`
  }

  named(kind: NamedKind, name: string): string {
    return `${this.folder(kind)}${name}`
  }

  /** Reads a key; null for whatever this project would not have written. Keys are byte strings, never normalised. */
  parse(key: string): Key | null {
    if (!key.startsWith(`${this.prefix}/`)) return null
    const [folder, name = '', slot, ...rest] = key.slice(this.prefix.length + 1).split('/')
    if (rest.length > 0 || folder === undefined) return null
    if (folder === 'clusters' || folder === 'claims') {
      const claim = folder === 'claims'
      if (!isAppName(name) || (claim && slot === undefined)) return null
      if (slot !== undefined && !SLOT.test(slot)) return null
      if (!claim && slot === '0') return null // slot 0 has one spelling
      return { kind: claim ? 'claim' : 'endpoint', app: name, slot: Number(slot ?? 0) }
    }
    const kind = KIND.get(folder)
    if (!kind || slot !== undefined) return null
    return (OF_APPS.has(kind) ? isAppName(name) : isId(name)) ? { kind, name } : null
  }
}
