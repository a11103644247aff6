import { randomUUID } from 'node:crypto'
import type { Logger } from 'pino'
import type { Keys } from '../model/key.ts'
import type { Entry } from '../model/state.ts'
import { Cluster } from './cluster.ts'
import { Fleet, type FleetOptions, type Member } from './fleet.ts'
import { type FollowedEngine, Follower } from './follower.ts'
import { type HostFacts, HostRecord } from './host.ts'
import { Idle } from './idle.ts'
import { Backoff, pause } from './pause.ts'
import { type EndpointChange, Publication } from './publication.ts'
import type { Asking } from './readiness.ts'
import { type ClaimStore, Sleep, type SleepResult, type Standing } from './sleep.ts'
import type { EndpointStore } from './slot-key.ts'

/** The engine of this host. */
export interface HostEngine extends FollowedEngine, Pick<Asking, 'exec' | 'healthcheck'> {
  inspect: FleetOptions['engine']['inspect']
  info(): Promise<HostFacts>
  stop(id: string, timeoutSeconds: number): Promise<void>
}

/** etcd as this service uses it. */
export interface RegistrarStore extends EndpointStore, ClaimStore {
  get(key: string): Promise<Entry | null>
  put(key: string, value: string, options: { lease: string }): Promise<unknown>
  remove(key: string, options: { modRevision?: string; lease?: string }): Promise<string | null>
}

/** Counts for those who watch this process. */
export interface Meter {
  ready(seconds: number): void
  wrote(change: 'registered' | 'removed' | 'conflict'): void
  slept(result: SleepResult): void
  engine(up: boolean): void
}

export interface RegistrarOptions {
  /** name of this host in the cluster */
  name: string
  keys: Keys
  engine: HostEngine
  /** where launchers reach the engine */
  engineUrl: string
  /** IP address of the instances as set, '' for that of the engine's bridge */
  address: string
  probe: Pick<Asking, 'tcp' | 'http'>
  store: RegistrarStore
  standing: Standing & { check(): void }
  /** open connections of an instance */
  connections(listener: { pid: number; port: number; published: number }): Promise<number>
  /** seconds */
  leaseTtl: number
  /** seconds */
  drainTimeout: number
  /** Whether all changes in etcd arrive here right now. */
  isInformed(): boolean
  meter: Meter
  log: Logger
}

/** The keeper of the truth about one Docker host: joins what the engine says to what etcd has. */
export class Registrar {
  readonly cluster: Cluster
  readonly fleet: Fleet
  readonly #options: RegistrarOptions
  readonly #publication: Publication
  readonly #host: HostRecord
  readonly #follower: Follower
  readonly #idle: Idle
  readonly #ending = new AbortController()
  #inherited: string | null = null
  #isSynced = false
  #isListed = false
  #running: Promise<unknown> = Promise.resolve()

  constructor(options: RegistrarOptions) {
    this.#options = options
    const { engine, keys, log, meter, store, standing } = options
    this.cluster = new Cluster(keys)
    this.#publication = new Publication(store, {
      log,
      patience: options.leaseTtl * 1000,
      onConflict: (key, holder) => void this.#yield(key, holder),
      onLeaseGone: () => standing.check(),
      onWrite: meter.wrote,
    })
    this.#host = new HostRecord({
      name: options.name,
      engine: options.engineUrl,
      address: options.address,
      key: keys.named('host', options.name),
      info: () => engine.info(),
      lease: () => standing.lease,
      put: (key, value, lease) => store.put(key, value, { lease }),
      log,
    })
    this.fleet = new Fleet({
      engine,
      asking: {
        tcp: (...question) => options.probe.tcp(...question),
        http: (...question) => options.probe.http(...question),
        exec: (...command) => engine.exec(...command),
        healthcheck: (id) => engine.healthcheck(id),
      },
      publisher: this.#publication,
      keys,
      log,
      address: () => ({ address: this.#host.address, publish: this.#host.address }),
      onReady: meter.ready,
    })
    this.#follower = new Follower(engine, {
      onList: async (containers) => {
        await this.fleet.reconcile(containers)
        this.#isListed = true
        this.#sweep()
      },
      onEvent: (event) => this.fleet.take(event),
      onChange: (up, reason) => {
        meter.engine(up)
        if (up) log.info('engine is followed')
        else log.warn({ reason }, 'engine lost, its apps stay registered')
        this.#host.refresh()
      },
    })
    this.#idle = this.#newIdle()
  }

  get isEngineUp(): boolean {
    return this.#follower.up
  }

  /**
   * Reads what the process before this one left. Resolves when etcd has answered, however long that takes; only then
   * may {@link observe} be fed.
   */
  async inherit(): Promise<void> {
    const { name, keys, store, log } = this.#options
    const backoff = new Backoff()
    while (!this.#ending.signal.aborted)
      try {
        const record = await store.get(keys.named('host', name))
        if (record && record.lease !== '0') {
          this.#inherited = record.lease
          this.#publication.inherit(record.lease)
          log.info({ lease: record.lease }, 'taking over from the process before')
        }
        return
      } catch (error) {
        log.debug({ reason: (error as Error).message }, 'etcd does not answer yet')
        await pause(backoff.next(), this.#ending.signal)
      }
  }

  /** Begins. `inherited` resolves when {@link inherit} is done, `synced` when the first list was observed. */
  start(inherited: Promise<void>, synced: Promise<void>): void {
    const { signal } = this.#ending
    const followed = this.#findAddress().then(() => this.#follower.run(signal))
    const told = inherited.then(() => this.#host.run(signal))
    const ended = new Promise<void>((resolve) => {
      signal.addEventListener('abort', () => resolve(), { once: true })
    })
    const idled = Promise.race([synced, ended]).then(async () => {
      if (signal.aborted) return
      this.#isSynced = true
      this.#sweep()
      await this.#dropClaims()
      await this.#idle.run(signal)
    })
    this.#running = Promise.all([followed, told, idled])
  }

  /** There is a new lease: everything of ours moves under it. */
  useLease(lease: string): void {
    this.#publication.useLease(lease)
    this.#host.refresh()
  }

  /** Takes news from etcd of the folders of endpoints and of {@link Cluster.prefixes}. */
  observe(changes: EndpointChange[], revision: string): void {
    this.cluster.observe(changes, revision)
    for (const change of changes) {
      const key = this.#options.keys.parse(change.type === 'put' ? change.entry.key : change.key)
      if (key?.kind === 'endpoint') this.#publication.observe(change, revision)
    }
    if (this.#isSynced && this.cluster.requests().length > 0) this.#idle.round(this.#ending.signal)
  }

  /**
   * Ends. Instances run on and their Endpoints stay in etcd until the lease ends: the next registrar takes them over
   * (docs/decisions/0010). A sleep that is under way is given up first.
   */
  async stop(): Promise<void> {
    this.#ending.abort()
    this.fleet.stop()
    await this.#running
    this.#publication.stop()
  }

  #newIdle(): Idle {
    const { engine, store, standing, keys, log, drainTimeout, meter, name } = this.#options
    const connections = ({ instance }: Member): Promise<number> => {
      const { pid, endpoint, spec } = instance
      if (pid === 0 || !endpoint) return Promise.resolve(0)
      return this.#options.connections({ pid, port: spec.port, published: endpoint.port })
    }
    const ports = {
      store,
      standing,
      fleet: this.fleet,
      cluster: this.cluster,
      keys,
      log,
      connections,
    }
    const sleep = new Sleep(
      {
        ...ports,
        stop: (id, seconds) => engine.stop(id, seconds),
        newOwner: () => `${name}/${randomUUID()}`,
        now: () => new Date(),
      },
      drainTimeout * 1000,
    )
    return new Idle({
      ...ports,
      sleep,
      isInformed: () => this.#options.isInformed(),
      dismiss: async ({ entry }) => {
        await store.remove(entry.key, { modRevision: entry.modRevision }).catch(() => null)
      },
      onResult: meter.slept,
    })
  }

  /** Waits for the engine to say where its instances are reached: nothing can be registered before. */
  async #findAddress(): Promise<void> {
    const backoff = new Backoff()
    let isTold = false
    while (!this.#ending.signal.aborted && this.#host.address === '')
      try {
        await this.#host.look()
      } catch (error) {
        if (!isTold)
          this.#options.log.warn({ reason: (error as Error).message }, 'waiting for the engine')
        isTold = true
        await pause(backoff.next(), this.#ending.signal)
      }
  }

  /** Only when both sides have been heard is what is in etcd and not on this host known to be left over. */
  #sweep(): void {
    if (this.#isListed && this.#isSynced) this.fleet.sweep()
  }

  /** Claims of the process before this one: what it was about to do is not being done. */
  async #dropClaims(): Promise<void> {
    if (this.#inherited === null) return
    for (const { entry } of this.cluster.claimsUnder(this.#inherited))
      await this.#options.store
        .remove(entry.key, { modRevision: entry.modRevision })
        .catch(() => null) // it ends with its lease
  }

  /** Our instance is the one too many: the slot belongs to whoever holds its key. */
  async #yield(key: string, holder: Entry): Promise<void> {
    const { engine, log } = this.#options
    const member = this.fleet.holder(key)
    if (!member) return
    const { id, spec } = member.instance
    log.warn({ key, holder: holder.value, container: id }, 'stopping our copy of an instance')
    try {
      await engine.stop(id, spec.stopTimeout)
    } catch (error) {
      log.warn({ key, reason: (error as Error).message }, 'our copy was not stopped')
    }
  }
}
