import { isRecord } from './document.ts'
import type { Notebook } from './note.ts'
import { PORTS } from './unsupported.ts'
import { textOf } from './value.ts'

const SHORT =
  /^(?:(?<host>[0-9.]+|\[[0-9a-fA-F:]+\]):)?(?:(?<published>[0-9-]*):)?(?<target>[0-9]{1,5})(?<range>-[0-9]{1,5})?(?:\/(?<protocol>[a-z]+))?$/

/** What is published there is for the machine itself. */
const LOOPBACK = /^(?:127\.[0-9.]+|\[?::1\]?)$/

interface Port {
  target: number
  published: string
  /** whether nobody but the machine itself was to reach it */
  isLocal: boolean
}

/** The ports a service publishes or exposes that an app can have: TCP, one each. Tells of all others. */
function readPorts(key: 'ports' | 'expose', value: unknown, notes: Notebook): Port[] {
  if (value === undefined || value === null) return []
  if (!Array.isArray(value)) {
    notes.refused([key], 'is no list', 'write a list, like ["8080:80"]')
    return []
  }
  return value.flatMap((item, index) => {
    const long = isRecord(item) ? item : undefined
    const text = long
      ? `${textOf(long.target) ?? ''}/${textOf(long.protocol) ?? 'tcp'}`
      : (textOf(item) ?? '')
    const { target, range, protocol, published, host } = SHORT.exec(text)?.groups ?? {}
    if (target === undefined || Number(target) < 1 || Number(target) > 65_535) {
      notes.refused([key, index], 'is no port', 'write it like "8080:80"')
      return []
    }
    if ((protocol ?? 'tcp') !== 'tcp' || range !== undefined) {
      const why =
        range === undefined ? 'gateways lead HTTP to an app, nothing else' : 'an app has one port'
      notes.left([key, index], why, 'run it beside Reveille')
      return []
    }
    const isLocal = LOOPBACK.test(textOf(long?.host_ip) ?? host ?? '')
    return [
      { target: Number(target), published: textOf(long?.published) ?? published ?? '', isLocal },
    ]
  })
}

export interface Reach {
  port: number
  /** whether others than its group are to reach it */
  isPublished: boolean
}

/** `postgres` of `registry:5000/library/postgres:16@sha256:...` */
const bareName = (image: string): string => image.replace(/^.*\//, '').replace(/[:@].*$/, '')

/**
 * Which port an app listens on, and whether it is reached from outside.
 * @param named what labels or variables say of the port, and that it is reached
 */
export function readReach(
  service: Record<string, unknown>,
  named: { port: number | null; isReached: boolean; fallback: number | null },
  image: string,
  notes: Notebook,
): Reach | null {
  const published = readPorts('ports', service.ports, notes)
  const exposed = readPorts('expose', service.expose, notes)
  const isPublished = published.length > 0 || named.isReached
  const all = [...published, ...exposed].map(({ target }) => target)
  const known = PORTS.get(bareName(image))
  const port = named.port ?? all[0] ?? known ?? named.fallback
  if (port === null) {
    notes.refused(
      [],
      'it names no port, and Reveille knows that an app is ready by its port',
      'add what it listens on: expose: ["8000"]',
    )
    return null
  }
  if (named.port === null && all.length === 0)
    notes.changed([], `it names no port, ${port} is taken`, 'say which: expose: ["8000"]')
  const first = published.find(({ target }) => target === port)
  if (first && first.published !== '')
    notes.changed(
      ['ports'],
      `${first.published} of the host is not taken for it`,
      'ask the gateway for it by its name or its route',
    )
  if (published.length > 0 && published.every(({ isLocal }) => isLocal))
    notes.changed(
      ['ports'],
      'only this machine reached it, and now whoever reaches the gateway does',
      'where that is too many: reveille app set <app> --route none',
    )
  for (const { target } of published)
    if (target !== port)
      notes.left(
        ['ports'],
        `an app has one port: ${port}, not ${target} too`,
        'make a second app of it',
      )
  return { port, isPublished }
}
