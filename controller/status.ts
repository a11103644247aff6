import type { Rejection } from '../model/state.ts'
import type { Applied } from './apply.ts'
import type { Pushed } from './live.ts'
import { type GatewayRecord, listed } from './record.ts'

export interface StatusLog {
  debug(fields: object, message: string): void
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
}

export interface StatusMeters {
  reloads: { inc(labels: { result: string }): void }
  applySeconds: { observe(seconds: number): void }
  appliedRevision: { set(value: number): void }
  generation: { set(value: number): void }
  endpoints: { set(value: number): void }
  rejected: { set(value: number): void }
}

export interface StatusOptions {
  id: string
  /** address:port on which the proxy listens */
  listen: string
  /** what comes before names in paths; '' for nothing */
  pathPrefix: string
  record: Pick<GatewayRecord, 'publish'>
  log: StatusLog
  meters: StatusMeters
}

const LOST = 'nobody is at the door of the table of routes: nginx is given another one'

/** What this gateway runs, told to the log, the metrics and the cluster. */
export class Status {
  /** etcd revision up to which every change is live or rejected */
  applied = '0'
  /** endpoints in the running configuration */
  endpoints = 0
  readonly #options: StatusOptions
  #configuration: string | null = null
  #routes: string | null = null

  constructor(options: StatusOptions) {
    this.#options = options
  }

  /** why not all is running that should be, null if it is */
  get failure(): string | null {
    return this.#configuration ?? this.#routes
  }

  /** Tells what an attempt came to. A configuration that stays refused for the same reason is logged once. */
  report(outcome: Applied): void {
    const { log, meters } = this.#options
    const { result, generation } = outcome
    const failure = 'reason' in outcome ? outcome.reason : null
    if (result !== 'unchanged') meters.reloads.inc({ result })
    if (result === 'live' || result === 'moved')
      log.info(
        { generation, result, endpoints: this.endpoints, revision: this.applied },
        'configuration live',
      )
    if (failure !== null && !sameButNumbers(failure, this.#configuration))
      log.warn(
        { generation, result, reason: failure },
        'configuration not taken, the last good one stays',
      )
    this.#configuration = failure
    meters.generation.set(generation)
  }

  /** Tells what a push of routes came to. */
  reportRoutes(outcome: Pushed | Error): void {
    const { log } = this.#options
    if (outcome === 'pushed') log.debug({ endpoints: this.endpoints }, 'routes live')
    const reason = outcome === 'lost' ? LOST : outcome instanceof Error ? outcome.message : null
    if (reason !== null && !sameButNumbers(reason, this.#routes))
      log.warn({ reason }, 'routes not taken, the last ones stay')
    this.#routes = reason
  }

  /** Writes the gateway's record. */
  publish(generation: number, rejected: readonly Rejection[]): void {
    const { id, listen, pathPrefix, record, meters } = this.#options
    meters.rejected.set(rejected.length)
    meters.endpoints.set(this.endpoints)
    meters.appliedRevision.set(Number(this.applied))
    record.publish({
      id,
      applied: this.applied,
      generation,
      endpoints: this.endpoints,
      listen,
      ...(pathPrefix !== '' && { pathPrefix }),
      rejected: listed(rejected),
      ...(this.failure !== null && { failure: this.failure.slice(0, 500) }),
    })
  }
}

/** A failure that is tried again differs in the generation it names; that is no news. */
function sameButNumbers(left: string, right: string | null): boolean {
  return left.replaceAll(/\d+/g, '') === right?.replaceAll(/\d+/g, '')
}
