import type { App } from '../model/app.ts'
import type { Container } from '../model/container.ts'
import type { Host } from '../model/record.ts'

/** A host as a place for one slot of an app. */
export interface Candidate {
  host: Host
  /** the slot's container on it, if there is one */
  container: Container | null
  /** why it cannot be used right now, or null */
  trouble: string | null
  /** bytes that what runs or starts there may use */
  promised: number
}

const runs = (container: Container | null): boolean =>
  container?.state === 'running' || container?.state === 'restarting'

function hasImage(host: Host, image: string): boolean {
  const tagged = /[:@][^/]*$/.test(image) ? image : `${image}:latest`
  return host.images.includes(image) || host.images.includes(tagged)
}

/** Why the app does not fit on the host at all, or null. Engines refuse more CPUs than there are. */
function tooSmall(app: App, host: Host): string | null {
  if (host.cpus > 0 && app.limits.cpus > host.cpus) return `has only ${host.cpus} CPUs`
  if (host.memory > 0 && app.limits.memory > host.memory) return 'has too little memory'
  return null
}

const MIB = 1024 ** 2
const mib = (bytes: number): string => `${Math.round(bytes / MIB)} MiB`

/** Why one more does not fit beside what is there, or null. What runs already needs no more room. */
function full(app: App, { container, promised }: Candidate, limit: number): string | null {
  if (runs(container) || promised + app.limits.memory <= limit) return null
  return `has no room: ${mib(promised)} of ${mib(limit)} are promised and it needs ${mib(app.limits.memory)}`
}

const load = ({ host, promised }: Candidate): number =>
  host.memory > 0 ? promised / host.memory : 0

/**
 * Where a slot goes: to the host whose container of it runs already, then to the one that has it stopped, then to one
 * that has the image, then to the emptiest. `limit`: bytes a host may promise. Hosts that are equal are taken in order of their names.
 */
export function place(
  app: App,
  candidates: readonly Candidate[],
  limit: (host: Host) => number = () => Number.POSITIVE_INFINITY,
): { ok: true; chosen: Candidate } | { ok: false; reason: string } {
  const refused: string[] = []
  const possible = candidates.filter((candidate) => {
    const { host, trouble } = candidate
    const reason = trouble ?? tooSmall(app, host) ?? full(app, candidate, limit(host))
    if (reason !== null) refused.push(`${host.name} ${reason}`)
    return reason === null
  })
  const [chosen] = possible.sort(
    (a, b) =>
      Number(runs(b.container)) - Number(runs(a.container)) ||
      Number(b.container !== null) - Number(a.container !== null) ||
      Number(hasImage(b.host, app.image)) - Number(hasImage(a.host, app.image)) ||
      load(a) - load(b) ||
      (a.host.name < b.host.name ? -1 : 1),
  )
  if (chosen) return { ok: true, chosen }
  const reason = refused.length > 0 ? refused.slice(0, 5).join('; ') : 'no host is registered'
  return { ok: false, reason }
}
