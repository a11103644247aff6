import type { Notebook } from './note.ts'
import { type Pair, readBytes, readNumber, readSeconds } from './value.ts'

/** How long Sablier keeps a session where nothing says otherwise, seconds. */
const SESSION = 300

export interface Sablier {
  isEnabled: boolean
  groups: string[]
  replicas?: number
  min?: number
  limits: { memory?: number; cpus?: number }
}

const LEFT = new Map(
  Object.entries({
    'sablier.ready-after': ['an app is ready when its check says so', 'give it a healthcheck'],
    'sablier.ready-on-start': ['an app is ready when its check says so', 'give it a healthcheck'],
    'sablier.running-hours': [
      'Reveille knows no hours',
      'have cron say: reveille app set <app> --min 1',
    ],
    'sablier.running-days': [
      'Reveille knows no days',
      'have cron say: reveille app set <app> --min 1',
    ],
    'sablier.anti-affinity': ['an app never makes another sleep', 'give both limits'],
  }),
)

/** What Sablier is told by the labels of a service. */
export function readSablier(labels: readonly Pair[], notes: Notebook): Sablier {
  const found = new Map(labels.map(({ key, value }) => [key, value ?? '']))
  const isEnabled = found.get('sablier.enable') === 'true'
  const groups = (found.get('sablier.group') ?? 'default').split(',').map((name) => name.trim())
  for (const { key, path } of labels) {
    const [why, instead] =
      LEFT.get(key) ??
      (/^sablier\.(?:idle\.(?:cpu|memory)|(?:idle|active)\.blkio)/.test(key)
        ? ['an app sleeps, or has all of its limits', 'set its limits']
        : [])
    if (why && instead) notes.left(['labels', ...path], why, instead)
  }
  const read = (key: string, reader: (text: string | null) => number | null): number | null => {
    const text = found.get(key)
    const number = reader(text ?? null)
    const path = labels.find((pair) => pair.key === key)?.path ?? []
    if (text !== undefined && number === null)
      notes.refused(['labels', ...path], 'is no amount', 'write a number, or memory like 512m')
    return number === 0 ? null : number
  }
  const replicas = read('sablier.active.replicas', readNumber)
  const min = read('sablier.idle.replicas', readNumber)
  const memory = read('sablier.active.memory', readBytes)
  const cpus = read('sablier.active.cpu', readNumber)
  return {
    ...{ isEnabled, groups: isEnabled ? groups : [] },
    ...(replicas !== null && { replicas }),
    ...(min !== null && { min }),
    limits: { ...(memory !== null && { memory }), ...(cpus !== null && { cpus }) },
  }
}

const MIDDLEWARE =
  /^(?<middleware>traefik\.http\.middlewares\.[^.]+\.plugin\.sablier)\.(?<key>sessionDuration|group|names)$/i

/** Seconds by what they are for: a group, or a service by its name. `all`: by default. */
export interface Sessions {
  all: number
  groups: Map<string, number>
  services: Map<string, number>
}

/** How long Sablier keeps what is not used: middlewares of Traefik say so, on whatever service has their labels. */
export function readSessions(labels: readonly Pair[], words: readonly string[]): Sessions {
  const middlewares = new Map<string, Map<string, string>>()
  for (const { key, value } of labels) {
    const { middleware = '', key: name = '' } = MIDDLEWARE.exec(key)?.groups ?? {}
    if (middleware === '') continue
    const one = middlewares.get(middleware) ?? new Map<string, string>()
    middlewares.set(middleware, one.set(name.toLowerCase(), value ?? ''))
  }
  const flag = words.join(' ').match(/--sessions\.default-duration[= ](\S+)/)?.[1]
  const sessions: Sessions = {
    all: readSeconds(flag ?? null) ?? SESSION,
    groups: new Map(),
    services: new Map(),
  }
  for (const one of middlewares.values()) {
    const seconds = readSeconds(one.get('sessionduration') ?? null)
    if (seconds === null) continue
    for (const name of split(one.get('group'))) sessions.groups.set(name, seconds)
    for (const name of split(one.get('names'))) sessions.services.set(name, seconds)
  }
  return sessions
}

const split = (text = ''): string[] =>
  text
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '')
