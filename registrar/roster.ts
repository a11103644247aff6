import { canonical } from '../model/name.ts'
import { type Instance, isRunning } from './instance.ts'
import { isSlot } from './reading.ts'

/** One container with what is being done about it. */
export interface Member {
  instance: Instance
  /** performance.now() when it began to run, as far as this process saw */
  since: number
  /** the same when it came to its phase */
  changed: number
  /** it is being put to sleep: no Endpoint, no probes */
  isDraining: boolean
  probing: AbortController | null
  /** it ran in a sandbox, which was not stopped since as far as this process knows: it keeps an address while it sleeps */
  hasSandbox: boolean
}

/** The containers of this host that are ours, by id. */
export class Roster extends Map<string, Member> {
  add(instance: Instance): Member {
    const now = performance.now()
    const seen = { since: now, changed: now, hasSandbox: false }
    const member = { instance, ...seen, isDraining: false, probing: null }
    this.set(instance.id, member)
    return member
  }

  /** The container of `slot` of `app` that is up here: the one that runs, else one that is paused. */
  up(app: string, slot: number): Member | undefined {
    const own = [...this.values()].filter(({ instance }) => isSlot(instance, app, slot))
    return (
      own.find(({ instance }) => isRunning(instance)) ??
      own.find(({ instance }) => instance.phase === 'paused')
    )
  }

  /** Those that sleep paused, as app/slot, the one that was put to sleep first first. */
  paused(): string[] {
    return [...this.values()]
      .filter(({ instance }) => instance.phase === 'paused')
      .sort((one, other) => one.changed - other.changed)
      .map(({ instance: { spec } }) => `${spec.app}/${spec.slot}`)
  }

  /** Whether there is a container for `slot` of `app`, running or not. */
  hasSlot(app: string, slot: number): boolean {
    return [...this.values()].some(({ instance }) => isSlot(instance, app, slot))
  }

  /** Which apps those that run here were made to depend on, in lower case. */
  needs(): Set<string> {
    const running = [...this.values()].filter(({ instance }) => isRunning(instance))
    return new Set(running.flatMap(({ instance }) => instance.spec.dependsOn ?? []).map(canonical))
  }

  /** How many instances there are in each phase. */
  census(): Record<Instance['phase'], number> {
    const census = { starting: 0, ready: 0, unready: 0, unhealthy: 0, paused: 0, stopped: 0 }
    for (const { instance } of this.values()) census[instance.phase]++
    return census
  }
}
