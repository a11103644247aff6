import type { App } from './app.ts'
import type { Endpoint } from './endpoint.ts'
import { SLEEP_LABEL } from './label.ts'
import type { Network } from './network.ts'
import { pauses } from './sleep.ts'

/** A container as an engine reports it. */
export interface Container {
  id: string
  name: string
  labels: Record<string, string>
  state: 'created' | 'running' | 'paused' | 'restarting' | 'removing' | 'exited' | 'dead'
  /** of the last run; 0 while it runs */
  exitCode: number
  /** the engine's own words on why it could not start, or '' */
  error: string
  /** the image's HEALTHCHECK: none, or its state */
  health: 'none' | 'starting' | 'healthy' | 'unhealthy'
  /** where each container port (decimal) is published while it runs */
  published: Record<string, Endpoint>
  /** host process id of the main process, 0 if none */
  pid: number
  image: string
  /** it runs, and nobody reaches it: the sandbox that had its network ended */
  isCut?: true
  /** its sandbox runs: it has an address and a port of its host, whether it runs itself or not */
  hasSandbox?: true
}

/** Whether its processes are there, frozen or not: it has its room, and its slot is nobody else's. */
export function isUp({ state }: Pick<Container, 'state'>): boolean {
  return state === 'running' || state === 'restarting' || state === 'paused'
}

type Known = Pick<Container, 'state' | 'labels' | 'isCut'>

/** Whether it sleeps with its processes frozen, as it was made to. Any other one that is paused was paused by hand. */
export function isDozing({ state, labels, isCut }: Known): boolean {
  return state === 'paused' && !isCut && pauses(labels[SLEEP_LABEL])
}

/** Whether it is up and does not sleep. */
export function isAwake(container: Known): boolean {
  return isUp(container) && !isDozing(container)
}

/** Whether it answers, or will without anybody's help. */
export function isRunning(container: Pick<Container, 'state' | 'isCut'>): boolean {
  return isUp(container) && container.state !== 'paused' && !container.isCut
}

/** A running container that is not ours. */
export interface ForeignContainer {
  id: string
  image: string
  labels: Record<string, string>
  /** where each container port (decimal) is published */
  published: Record<string, Endpoint>
  /** its IPv4 addresses in networks of this host, '' and others left out */
  addresses: string[]
}

/** Something that happened to one of our containers. */
export interface EngineEvent {
  /** cut: the sandbox that had its network ended, whatever its own processes do */
  action: 'create' | 'start' | 'die' | 'destroy' | 'pause' | 'unpause' | 'health' | 'cut'
  id: string
  labels: Record<string, string>
  /** with `die` */
  exitCode?: number
  /** with `health` */
  health?: 'healthy' | 'unhealthy'
  /** engine clock, nanoseconds since 1970 */
  time: bigint
}

/** What a launcher asks an engine to create. The adapter makes the engine's request out of it, field by field. */
export interface ContainerRequest {
  name: string
  app: App
  labels: Record<string, string>
  /** IP address to publish the app's port on; the engine chooses the port */
  publish: string
  /** `bridge` unless given */
  network?: Network
}

/** A container that has the network of an app's container, and that has none, for now or any more. */
export interface LoneSandbox {
  id: string
  app: string
  slot: number
}
