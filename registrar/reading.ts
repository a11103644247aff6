import { type Container, type EngineEvent, isDozing } from '../model/container.ts'
import type { Endpoint } from '../model/endpoint.ts'
import { canonical } from '../model/name.ts'
import { pauses } from '../model/sleep.ts'
import { type Fact, type Instance, isRunning } from './instance.ts'

const ANY: ReadonlySet<string> = new Set(['0.0.0.0', '::'])

/** Where the instances of this host are reached. */
export interface HostAddress {
  /** IP address that gateways use */
  address: string
  /** IP address that ports are published on */
  publish: string
}

/** Where gateways reach `port` of a container, or why they cannot. */
export function reachable(
  container: Container,
  port: number,
  { address, publish }: HostAddress,
): Endpoint | string {
  const published = container.published[port]
  if (!published) return `port ${port} of the container is not published`
  if (!ANY.has(published.host) && published.host !== address && published.host !== publish)
    return `port ${port} is published on ${published.host}, which gateways do not use`
  return { host: address, port: published.port }
}

/** Whether a list tells something of an instance that is not known of it. */
export function differs(instance: Instance, listed: Container): boolean {
  if (isRunning(instance) !== (listed.state === 'running')) return true
  if ((instance.phase === 'paused') !== isDozing(listed)) return true
  if (!isRunning(instance)) return false
  if (listed.published[instance.spec.port]?.port !== instance.endpoint?.port) return true
  const isUnhealthy = instance.phase === 'unhealthy'
  return instance.healthcheck && isUnhealthy !== (listed.health === 'unhealthy')
}

/** Whether it has a sandbox that it keeps when it stops. Of one that is paused that is seen when it goes on. */
export function keepsSandbox({ hasSandbox, state }: Container): boolean {
  return hasSandbox === true && state !== 'paused'
}

export function isSlot(instance: Instance, app: string, slot: number): boolean {
  return instance.spec.slot === slot && canonical(instance.spec.app) === canonical(app)
}

/** What a container that does not run makes of its instance: a pause is sleep for one that was made to sleep so. */
export function restOf(container: Container | null): Fact {
  return { type: container && isDozing(container) ? 'paused' : 'stopped' }
}

/** The same of an event that ends a run, for now or for good. */
export function endOf({ action }: EngineEvent, { spec }: Instance): Fact {
  return { type: action === 'pause' && pauses(spec.sleep) ? 'paused' : 'stopped' }
}

const CUT = 'its sandbox ended'

/** Why a container does not run, for the log. */
export function whyStopped(container: Container | null): string {
  if (!container) return 'removed'
  if (container.isCut) return CUT
  if (container.state !== 'exited') return `the engine says it is ${container.state}`
  return `exited with code ${container.exitCode}`
}

/** The same, by the event that told of it. */
export function whyEnded(event: EngineEvent): string {
  if (event.action === 'cut') return CUT
  return event.action === 'die' ? `exited with code ${event.exitCode ?? 0}` : event.action
}
