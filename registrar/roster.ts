import { canonical } from '../model/name.ts'
import { type Instance, isRunning } from './instance.ts'
import { isSlot } from './reading.ts'

/** One container with what is being done about it. */
export interface Member {
  instance: Instance
  /** performance.now() when it began to run, as far as this process saw */
  since: number
  /** it is being put to sleep: no Endpoint, no probes */
  isDraining: boolean
  probing: AbortController | null
}

/** The containers of this host that are ours, by id. */
export class Roster extends Map<string, Member> {
  add(instance: Instance): Member {
    const member = { instance, since: performance.now(), isDraining: false, probing: null }
    this.set(instance.id, member)
    return member
  }

  /** The container that runs `slot` of `app` here. */
  running(app: string, slot: number): Member | undefined {
    return [...this.values()].find(
      ({ instance }) => isRunning(instance) && isSlot(instance, app, slot),
    )
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
    const census = { starting: 0, ready: 0, unready: 0, unhealthy: 0, stopped: 0 }
    for (const { instance } of this.values()) census[instance.phase]++
    return census
  }
}
