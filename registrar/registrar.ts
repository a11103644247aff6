import type { Container } from '../model/container.ts'
import { Cluster, type ClusterChange } from './cluster.ts'
import { Commands } from './commands.ts'
import { Fleet } from './fleet.ts'
import { HostRecord } from './host.ts'
import type { Idle } from './idle.ts'
import { idling } from './idling.ts'
import { Inheritance } from './inheritance.ts'
import type { RegistrarOptions } from './options.ts'
import { watchOrphans } from './orphans.ts'
import { Publication } from './publication.ts'
import { Sandboxes } from './sandboxes.ts'
import { yieldSlot } from './yield.ts'

/** The keeper of the truth about one Docker host: joins what the engine says to what etcd has. */
export class Registrar {
  readonly cluster: Cluster
  readonly fleet: Fleet
  readonly #options: RegistrarOptions
  readonly #publication: Publication
  readonly #host: HostRecord
  readonly #idle: Idle
  readonly #sandboxes: Sandboxes
  readonly #inheritance: Inheritance
  readonly #commands: Commands
  readonly #ending = new AbortController()
  /** nothing is written before it is known what the process before left, and that our name is ours */
  #isInherited = false
  #isSynced = false
  #isListed = false
  #isFollowed = false
  #running: Promise<unknown> = Promise.resolve()

  constructor(options: RegistrarOptions) {
    this.#options = options
    const { engine, keys, log, meter, store, standing } = options
    const hostKey = keys.named('host', options.name)
    this.cluster = new Cluster(keys)
    this.#publication = new Publication(store, {
      log,
      patience: options.leaseTtl * 1000,
      onConflict: (key, holder) => {
        const member = this.fleet.holders.at(key)
        if (member) void yieldSlot(member, holder, { engine, cluster: this.cluster, log })
      },
      reconsider: (key) => this.#reconsider(key),
      onLeaseGone: () => standing.check(),
      onWrite: meter.wrote,
    })
    this.#host = new HostRecord({
      ...{ name: options.name, engine: options.engineUrl, address: options.address },
      ...{ labels: options.labels, space: options.space, key: hostKey },
      paused: () => this.fleet.roster.paused(),
      info: () => engine.info(),
      lease: () => standing.lease,
      store,
      incarnation: options.incarnation,
      log,
    })
    this.#commands = new Commands((...command) => engine.exec(...command))
    this.#sandboxes = new Sandboxes({ engine, cluster: this.cluster, log })
    this.fleet = new Fleet({
      engine,
      asking: {
        tcp: (...question) => options.probe.tcp(...question),
        http: (...question) => options.probe.http(...question),
        command: (...question) => this.#commands.ask(...question),
        healthcheck: (id) => engine.healthcheck(id),
      },
      publisher: this.#publication,
      keys,
      log,
      address: () => ({ address: this.#host.address, publish: this.#host.address }),
      onReady: meter.ready,
      onCut: (member) => void this.#sandboxes.end(member, this.#ending.signal),
      onPaused: () => void this.#host.refresh(),
    })
    this.#idle = idling(options, this.fleet, this.cluster, this.#host)
    this.#inheritance = new Inheritance({
      ...{ name: options.name, incarnation: options.incarnation, key: hostKey, store, log },
    })
  }

  /** IP address of the instances, '' while it is not known. */
  get address(): string {
    return this.#host.address
  }

  get isEngineUp(): boolean {
    return this.#isFollowed
  }

  /**
   * Reads what the process before this one left. Resolves when etcd has answered and no other machine of our name is
   * alive, however long that takes; only then may {@link observe} be fed.
   */
  async inherit(): Promise<void> {
    const { signal } = this.#ending
    const lease = await this.#inheritance.find(signal)
    if (signal.aborted) return
    if (lease !== null) this.#publication.inherit(lease)
    this.#isInherited = true
    const { lease: present } = this.#options.standing
    if (present !== null) this.#publication.useLease(present)
  }

  /** Begins. `inherited` resolves when {@link inherit} is done, `synced` when the first list was observed. */
  start(inherited: Promise<void>, synced: Promise<void>): void {
    const { signal } = this.#ending
    const followed = this.#host.findAddress(signal).then(() => this.#follow(signal))
    const told = inherited.then(() => this.#host.run(signal))
    const ended = new Promise<void>((resolve) => {
      signal.addEventListener('abort', () => resolve(), { once: true })
    })
    const idled = Promise.race([synced, ended]).then(async () => {
      if (signal.aborted) return
      this.#isSynced = true
      this.#sweep()
      await this.#inheritance.dropClaims(this.cluster)
      await Promise.all([this.#idle.run(signal), this.#sandboxes.run(signal)])
    })
    const { probe } = this.#options
    const watched = watchOrphans(
      this.fleet.holders,
      (...question) => probe.tcp(...question),
      () => this.#isListed,
      signal,
    )
    this.#running = Promise.all([followed, told, idled, watched])
  }

  /** There is a new lease: everything of ours moves under it. */
  useLease(lease: string): void {
    if (this.#isInherited) this.#publication.useLease(lease)
    void this.#host.refresh()
  }

  /** Takes news from etcd of the folders of {@link Cluster.prefixes}. */
  observe(changes: ClusterChange[], revision: string): void {
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
    this.#commands.stop()
    await this.#running
    this.#publication.stop()
  }

  #follow(signal: AbortSignal): Promise<void> {
    const { engine, log, meter } = this.#options
    const onList = async (containers: Container[]): Promise<void> => {
      await this.fleet.reconcile(containers)
      this.#isListed = true
      this.#sweep()
    }
    const onChange = (up: boolean, reason: string): void => {
      this.#isFollowed = up
      meter.engine(up)
      if (up) log.info('engine is followed')
      else log.warn({ reason }, 'engine lost, its apps stay registered')
      void this.#host.refresh()
    }
    return engine.follow({ onList, onChange, onEvent: (event) => this.fleet.take(event) }, signal)
  }

  /** Only when both sides have been heard is what is in etcd and not on this host known to be left over. */
  #sweep(): void {
    if (this.#isListed && this.#isSynced) this.fleet.sweep()
  }

  async #reconsider(key: string): Promise<void> {
    const member = this.fleet.holders.at(key)
    if (member) await this.fleet.refresh(member.instance.id)
  }
}
