import type { Container } from '../model/container.ts'
import { type Endpoint, formatEndpoint } from '../model/endpoint.ts'
import type { InstanceSpec } from '../model/label.ts'

/**
 * starting: it runs, no good probe yet; ready: it answers, its Endpoint belongs into etcd; unready: it answered once
 * and no longer does; unhealthy: the engine says so by the image's HEALTHCHECK; paused: it sleeps with its processes
 * frozen, as it was made to; stopped: nothing runs, or it was paused by hand.
 */
export type Phase = 'starting' | 'ready' | 'unready' | 'unhealthy' | 'paused' | 'stopped'

/** What a registrar knows of one container. A value: {@link advance} makes the next one. */
export interface Instance {
  readonly id: string
  readonly spec: InstanceSpec
  readonly phase: Phase
  /** where it is reached while it runs */
  readonly endpoint: Endpoint | null
  /** process id on this host, 0 if it does not run */
  readonly pid: number
  /** whether the image's HEALTHCHECK decides on it, by its labels and its image */
  readonly healthcheck: boolean
  /** bad probes in a row while it is ready */
  readonly failures: number
}

export type Fact =
  /** `routed`: etcd has this very Endpoint as ours, it was found ready before this process began */
  | {
      type: 'runs'
      endpoint: Endpoint
      pid: number
      health: Container['health']
      routed: boolean
    }
  | { type: 'paused' }
  | { type: 'stopped' }
  | { type: 'probed'; ok: boolean }
  | { type: 'health'; healthy: boolean }

/** So many bad probes in a row are no accident. */
export const TOLERANCE = 3

export function discovered(id: string, spec: InstanceSpec): Instance {
  return { id, spec, phase: 'stopped', endpoint: null, pid: 0, healthcheck: false, failures: 0 }
}

/** Whether it runs and does not sleep. */
export function isRunning({ phase }: Instance): boolean {
  return phase !== 'stopped' && phase !== 'paused'
}

/** What the instance is after `fact`. The same object if the fact changes nothing. */
export function advance(instance: Instance, fact: Fact): Instance {
  switch (fact.type) {
    case 'runs':
      return run(instance, fact)
    case 'paused':
    case 'stopped':
      if (instance.phase === fact.type) return instance
      return { ...instance, phase: fact.type, endpoint: null, pid: 0, failures: 0 }
    case 'probed':
      return probed(instance, fact.ok)
    case 'health':
      return instance.healthcheck ? judged(instance, fact.healthy) : instance
  }
}

function run(instance: Instance, fact: Fact & { type: 'runs' }): Instance {
  const same =
    instance.endpoint !== null &&
    instance.pid === fact.pid &&
    formatEndpoint(instance.endpoint) === formatEndpoint(fact.endpoint)
  const { health } = fact
  if (same) {
    if (!instance.healthcheck || (health !== 'healthy' && health !== 'unhealthy')) return instance
    return judged(instance, health === 'healthy')
  }
  const { type } = instance.spec.health
  const healthcheck = health !== 'none' && (type === 'image' || type === 'auto')
  const good = fact.routed || (healthcheck && health === 'healthy')
  return {
    ...instance,
    phase: healthcheck && health === 'unhealthy' ? 'unhealthy' : good ? 'ready' : 'starting',
    endpoint: fact.endpoint,
    pid: fact.pid,
    healthcheck,
    failures: 0,
  }
}

function probed(instance: Instance, ok: boolean): Instance {
  if (instance.phase === 'starting' || instance.phase === 'unready')
    return ok ? { ...instance, phase: 'ready', failures: 0 } : instance
  if (instance.phase !== 'ready') return instance
  if (ok) return instance.failures === 0 ? instance : { ...instance, failures: 0 }
  const failures = instance.failures + 1
  return failures < TOLERANCE
    ? { ...instance, failures }
    : { ...instance, phase: 'unready', failures: 0 }
}

/**
 * The engine's verdict. It counts against an instance only once that was ready: the engine calls a slow start
 * unhealthy, and while it starts we run the same command ourselves, more often.
 */
function judged(instance: Instance, healthy: boolean): Instance {
  if (!isRunning(instance)) return instance
  if (healthy)
    return instance.phase === 'ready' ? instance : { ...instance, phase: 'ready', failures: 0 }
  return instance.phase === 'ready' ? { ...instance, phase: 'unhealthy', failures: 0 } : instance
}
