import { parseDuration } from './duration.ts'
import { GROUP_LABEL } from './group.ts'
import { formatHealth, type Health, parseHealth } from './health.ts'
import { canonical, isAppName } from './name.ts'
import { isInOrder, parseSleep, STOP } from './sleep.ts'

/** What a registrar has to know of an instance; it travels on the container, as labels. */
export interface InstanceSpec {
  app: string
  slot: number
  /** port inside the container */
  port: number
  health: Health
  /** seconds */
  idleAfter: number
  /** seconds */
  stopTimeout: number
  min: number
  /** hash of the App the container was made from; '' if made by hand */
  revision: string
  /** apps it can reach by name, if it is in a group */
  group?: string
  /** apps it needs, if any */
  dependsOn?: readonly string[]
  /** how it sleeps, where it is not simply stopped */
  sleep?: string
}

/** Whether somebody made its container, and no launcher: nobody else may remove it, as what is in it is nowhere else. */
export function isMadeByHand({ revision }: Pick<InstanceSpec, 'revision'>): boolean {
  return revision === ''
}

/** Only containers with this label are ours. */
export const APP_LABEL = 'reveille.app'
const DEPENDS_LABEL = 'reveille.depends-on'
export const SLEEP_LABEL = 'reveille.sleep'

export function writeLabels(spec: InstanceSpec): Record<string, string> {
  return {
    [APP_LABEL]: spec.app,
    'reveille.slot': String(spec.slot),
    'reveille.port': String(spec.port),
    'reveille.health': formatHealth(spec.health),
    'reveille.idle-after': String(spec.idleAfter),
    'reveille.stop-timeout': String(spec.stopTimeout),
    'reveille.min': String(spec.min),
    'reveille.revision': spec.revision,
    ...(spec.group !== undefined && { [GROUP_LABEL]: spec.group }),
    ...(spec.dependsOn && { [DEPENDS_LABEL]: spec.dependsOn.join(',') }),
    ...(spec.sleep !== undefined && spec.sleep !== STOP && { [SLEEP_LABEL]: spec.sleep }),
  }
}

/**
 * Reads an instance's labels. `reveille.app` alone is enough (a container started by hand); a label that is there
 * but makes no sense refuses the container, since a guess could stop it or route to the wrong port.
 */
export function readLabels(
  labels: Readonly<Record<string, string>>,
): { ok: true; spec: InstanceSpec } | { ok: false; reason: string } {
  const refuse = (label: string) => ({ ok: false as const, reason: `label ${label} is not valid` })
  const whole = (label: string, fallback: number, min: number, max: number): number | null => {
    const text = labels[label]
    if (text === undefined) return fallback
    if (!/^(?:0|[1-9][0-9]{0,8})$/.test(text)) return null
    return Number(text) >= min && Number(text) <= max ? Number(text) : null
  }
  const seconds = (label: string, fallback: number): number | null => {
    const text = labels[label]
    if (text === undefined) return fallback
    const value = parseDuration(text)
    return value !== null && value <= 30 * 86_400 ? value : null
  }

  const app = labels[APP_LABEL] ?? ''
  if (!isAppName(app)) return refuse(APP_LABEL)
  const slot = whole('reveille.slot', 0, 0, 99)
  if (slot === null) return refuse('reveille.slot')
  const port = whole('reveille.port', 8000, 1, 65_535)
  if (port === null) return refuse('reveille.port')
  const health = parseHealth(labels['reveille.health'] ?? 'auto')
  if (health === null) return refuse('reveille.health')
  const idleAfter = seconds('reveille.idle-after', 300)
  if (idleAfter === null) return refuse('reveille.idle-after')
  const stopTimeout = seconds('reveille.stop-timeout', 10)
  if (stopTimeout === null) return refuse('reveille.stop-timeout')
  const min = whole('reveille.min', 0, 0, 64)
  if (min === null) return refuse('reveille.min')
  const revision = labels['reveille.revision'] ?? ''
  if (!/^[0-9a-f]{0,64}$/.test(revision)) return refuse('reveille.revision')
  const group = labels[GROUP_LABEL]
  if (group !== undefined && !isAppName(group)) return refuse(GROUP_LABEL)
  const dependsOn = labels[DEPENDS_LABEL]?.split(',')
  if (dependsOn && !(dependsOn.length <= 16 && dependsOn.every(isAppName)))
    return refuse(DEPENDS_LABEL)
  // It would never sleep.
  if (dependsOn?.some((name) => canonical(name) === canonical(app))) return refuse(DEPENDS_LABEL)
  const sleep = labels[SLEEP_LABEL]
  const steps = sleep === undefined ? [] : parseSleep(sleep, idleAfter)
  if (!steps || !isInOrder(steps)) return refuse(SLEEP_LABEL)
  const ties = { ...(group !== undefined && { group }), ...(dependsOn && { dependsOn }) }
  const depth = { ...(sleep !== undefined && { sleep }) }
  const terms = { idleAfter, stopTimeout, min, ...depth }
  const spec = { app, slot, port, health, ...terms, revision, ...ties }
  return { ok: true, spec }
}
