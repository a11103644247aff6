import { isRecord } from './document.ts'
import type { Notebook, Path } from './note.ts'
import { UNSUPPORTED_DEPLOY } from './unsupported.ts'
import { readBytes, readNames, readNumber, textOf } from './value.ts'

export interface Resources {
  replicas?: number
  limits: { memory?: number; cpus?: number; pids?: number }
  constraints: string[]
}

/** How many of a service there are, what each may use and where it may run, by the keys of either format. */
export function readResources(service: Record<string, unknown>, notes: Notebook): Resources {
  const deploy = isRecord(service.deploy) ? service.deploy : {}
  if (!isRecord(service.deploy ?? {}))
    notes.refused(['deploy'], 'is no map', 'write replicas: below it')
  const resources = isRecord(deploy.resources) ? deploy.resources : {}
  const caps = isRecord(resources.limits) ? resources.limits : {}
  for (const [key, [why, instead]] of UNSUPPORTED_DEPLOY)
    if (key in deploy) notes.left(['deploy', key], why, instead)
  if ('reservations' in resources)
    notes.left(['deploy', 'resources', 'reservations'], 'room is planned by limits', 'set limits')
  if (deploy.mode !== undefined && deploy.mode !== 'replicated')
    notes.left(['deploy', 'mode'], 'an app has as many instances as it says', 'set replicas')
  const limits = {
    memory: amount(service.mem_limit, caps.memory, ['mem_limit'], readBytes, notes),
    cpus: amount(service.cpus, caps.cpus, ['cpus'], readNumber, notes),
    pids: amount(service.pids_limit, caps.pids, ['pids_limit'], readNumber, notes),
  }
  const replicas = amount(service.scale, deploy.replicas, ['deploy', 'replicas'], readNumber, notes)
  return {
    ...(replicas !== undefined && replicas > 0 && { replicas }),
    limits: Object.fromEntries(Object.entries(limits).filter(([, limit]) => limit !== undefined)),
    constraints: readConstraints(deploy.placement, notes),
  }
}

function amount(
  first: unknown,
  second: unknown,
  path: Path,
  read: (text: string | null) => number | null,
  notes: Notebook,
): number | undefined {
  const value = first ?? second
  if (value === undefined || value === null) return undefined
  const number = read(textOf(value))
  if (number === null) notes.refused(path, 'is no amount', 'write it like 512m or 0.5')
  return number ?? undefined
}

const CONSTRAINT =
  /^node\.(?:labels\.(?<label>[A-Za-z0-9._/-]+)|(?<host>hostname)) ?(?<sign>[=!]=) ?(?<value>\S+)$/

function readConstraints(placement: unknown, notes: Notebook): string[] {
  if (!isRecord(placement)) return []
  if ('preferences' in placement)
    notes.left(
      ['deploy', 'placement', 'preferences'],
      'instances go to different hosts where there are several',
      'require it: --anti-affinity require',
    )
  return readNames(placement.constraints).flatMap((text) => {
    const { label, host, sign, value } = CONSTRAINT.exec(text)?.groups ?? {}
    if (sign !== undefined) return [`${host === undefined ? label : 'host'}${sign}${value}`]
    notes.left(
      ['deploy', 'placement', 'constraints'],
      `${text} is no label of a host here`,
      'give hosts a label, registrar --host-labels, and the app a --constraint',
    )
    return []
  })
}
