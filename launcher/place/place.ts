import type { App } from '../../model/app.ts'
import { meets, parseConstraint } from '../../model/constraint.ts'
import { type Container, isDozing, isRunning, isUp } from '../../model/container.ts'
import type { Host } from '../../model/record.ts'
import { isMadeFrom, revisionOf } from '../revision.ts'
import { type Amount, needOf, type Occupancy } from './room.ts'

/** What was seen of a slot on a host. */
export interface Sight {
  host: Host
  /** the slot's container on it, if there is one */
  container: Container | null
  /** why the host cannot be used right now, or null */
  trouble: string | null
  /** the app's group lives on another host: this one is for when that cannot be used */
  isAstray?: boolean
}

/** A host as a place for one slot of an app. */
export interface Candidate extends Sight, Occupancy {}

/** What holds beside what the app and its hosts say. */
export interface Rules {
  /** what a host may promise */
  limit(host: Host): Amount
  /** Why nothing is to be started on a host, or null: it is drained, it was tried already. */
  barred?(sight: Sight): string | null
}

/** A candidate with what speaks against it, null if nothing does. */
export interface Verdict extends Candidate {
  refusal: string | null
  /** what its host may promise */
  limit: Amount
  /** what of the slot is there: `older` would be made anew */
  has: 'running' | 'paused' | 'stopped' | 'older' | 'nothing'
}

/** Disk that must be free where an image is to be pulled, bytes: how large it is shows only then. */
const PULL_SPACE = 1024 ** 3
/** So many reasons are told. */
const TOLD = 5

export function hasImage(host: Host, image: string): boolean {
  const tagged = /[:@][^/]*$/.test(image) ? image : `${image}:latest`
  return host.images.includes(image) || host.images.includes(tagged)
}

/**
 * What is there of the slot. One that was paused by hand counts as stopped, as it is not to be started anywhere else
 * either; one of an older App is made anew, which any host can do.
 */
function holdings(container: Container | null, revision: string): Verdict['has'] {
  if (container === null) return 'nothing'
  if (isRunning(container)) return 'running'
  if (isDozing(container)) return isMadeFrom(container, revision) ? 'paused' : 'older'
  const isKept = container.state === 'paused' || isMadeFrom(container, revision)
  return isKept ? 'stopped' : 'older'
}

/** Why the app does not fit on the host at all, or null. Engines refuse more CPUs than there are. */
function tooSmall(app: App, host: Host): string | null {
  if (host.cpus > 0 && app.limits.cpus > host.cpus) return `has only ${host.cpus} CPUs`
  if (host.memory > 0 && app.limits.memory > host.memory) return 'has too little memory'
  return null
}

const MIB = 1024 ** 2
const mib = (bytes: number): string => `${Math.round(bytes / MIB)} MiB`
const round = (cpus: number): number => Math.round(cpus * 100) / 100

/** Why one more does not fit beside what is promised, or null. */
export function full(need: Amount, promised: Amount, limit: Amount): string | null {
  if (promised.memory + need.memory > limit.memory)
    return `has no room: ${mib(promised.memory)} of ${mib(limit.memory)} are promised and it needs ${mib(need.memory)}`
  if (promised.cpus + need.cpus > limit.cpus)
    return `has no room: ${round(promised.cpus)} of ${round(limit.cpus)} CPUs are promised and it needs ${round(need.cpus)}`
  if (promised.instances + need.instances > limit.instances)
    return `has no room: ${promised.instances} of ${limit.instances} instances are there`
  return null
}

/** Why a host may not be used for the app, whatever room it has, or null. */
function forbidden(app: App, { host, siblings }: Candidate): string | null {
  for (const text of app.constraints) {
    const constraint = parseConstraint(text)
    if (constraint === null || !meets(constraint, host)) return `does not meet ${text}`
  }
  return isSpread(app) && siblings > 0 ? 'has another instance of it' : null
}

/** Whether no two instances of an app may be on one host. In the host's network they would listen at one port. */
export function isSpread({ antiAffinity, network }: App): boolean {
  return antiAffinity === 'require' || network === 'host'
}

function refusal(app: App, candidate: Candidate, rules: Rules): string | null {
  const { host, container, trouble, promised } = candidate
  const never =
    rules.barred?.(candidate) ?? trouble ?? forbidden(app, candidate) ?? tooSmall(app, host)
  // What is there already needs no more room.
  if (never !== null || (container !== null && isUp(container))) return never
  const small = full(needOf(app), promised, rules.limit(host))
  if (small !== null || container !== null || hasImage(host, app.image)) return small
  if (host.disk === undefined || host.disk >= PULL_SPACE) return null
  return `has only ${mib(host.disk)} of disk left, and not the image`
}

/** The share of what a host may promise that is promised, of whatever there is least of. */
function load({ promised, limit }: Verdict): number {
  return Math.max(
    promised.memory / limit.memory,
    promised.cpus / limit.cpus,
    promised.instances / limit.instances,
  )
}

/**
 * All candidates, those a slot may go to first, the best of them first: the host whose container of it runs or is paused,
 * then the one its group lives on, then those with the fewest other instances of the app, then the one that has its
 * container stopped and fit to be started, then those that have the image, then the emptiest. Equal ones come in order
 * of their names.
 */
export function judge(app: App, candidates: readonly Candidate[], rules: Rules): Verdict[] {
  const revision = revisionOf(app)
  const order = (candidate: Verdict): number[] => [
    Number(candidate.refusal !== null),
    Number(candidate.has !== 'running' && candidate.has !== 'paused'),
    Number(candidate.isAstray ?? false),
    candidate.siblings,
    Number(candidate.has !== 'stopped'),
    Number(!hasImage(candidate.host, app.image)),
    load(candidate),
  ]
  return candidates
    .map((candidate) => {
      const verdict: Verdict = {
        ...candidate,
        refusal: refusal(app, candidate, rules),
        limit: rules.limit(candidate.host),
        has: holdings(candidate.container, revision),
      }
      return { verdict, order: order(verdict) }
    })
    .sort((a, b) => {
      const at = a.order.findIndex((value, index) => value !== b.order[index])
      const [one = 0, other = 0] = [a.order[at], b.order[at]]
      return one - other || (a.verdict.host.name < b.verdict.host.name ? -1 : 1)
    })
    .map(({ verdict }) => verdict)
}

/** Where a slot goes, or in one line why nowhere. */
export function place(
  app: App,
  candidates: readonly Candidate[],
  rules: Rules,
): { ok: true; chosen: Candidate } | { ok: false; reason: string } {
  const verdicts = judge(app, candidates, rules)
  const [chosen] = verdicts
  if (!chosen) return { ok: false, reason: 'no host is registered' }
  if (chosen.refusal === null) return { ok: true, chosen }
  const more = verdicts.length > TOLD ? [`and ${verdicts.length - TOLD} more hosts`] : []
  const told = verdicts.slice(0, TOLD).map(({ host, refusal }) => `${host.name} ${refusal}`)
  return { ok: false, reason: [...told, ...more].join('; ') }
}
