import type { Logger } from 'pino'
import type { Container, EngineEvent } from '../model/container.ts'
import type { Keys } from '../model/key.ts'
import { APP_LABEL, readLabels } from '../model/label.ts'
import { type OriginEngine, Origins } from '../model/origin.ts'
import { Holders, type Publisher } from './holders.ts'
import { Inspections } from './inspections.ts'
import { advance, discovered, type Fact, isRunning } from './instance.ts'
import { type Asking, keepAsking } from './readiness.ts'
import {
  differs,
  endOf,
  type HostAddress,
  keepsSandbox,
  reachable,
  restOf,
  whyEnded,
  whyStopped,
} from './reading.ts'
import { type Member, Roster } from './roster.ts'
import { tellPhase } from './telling.ts'

export interface FleetOptions {
  engine: OriginEngine & { inspect(id: string): Promise<Container | null> }
  asking: Asking
  publisher: Publisher
  keys: Keys
  log: Logger
  address(): HostAddress
  /** seconds from the start of an instance to its first good probe */
  onReady(seconds: number): void
  /** It runs, and its sandbox does not: nobody reaches it any more. Told again while that is so. */
  onCut(member: Member): void
  /** An instance was paused, or is no longer. */
  onPaused(): void
}

/**
 * The containers of this host that are ours: from what the engine says to which Endpoints are wanted. Only an end is
 * believed as it comes, because waiting would send requests to a dead address; that something runs, and where, is
 * asked of the engine each time.
 */
export class Fleet {
  readonly #options: FleetOptions
  readonly roster = new Roster()
  readonly holders: Holders
  /** by container id: why one of ours is left alone, told once */
  readonly #refused = new Map<string, string>()
  readonly #inspections: Inspections
  readonly #origins: Origins
  #isStopped = false

  constructor(options: FleetOptions) {
    this.#options = options
    this.holders = new Holders(this.roster, options.publisher, options.keys, options.log)
    this.#origins = new Origins(options.engine)
    this.#inspections = new Inspections({
      inspect: async (id) => {
        const container = await options.engine.inspect(id)
        if (container) await this.#origins.learn(container)
        return container
      },
      onSeen: (id, container) => this.#see(id, container),
      onFailure: (id, reason) => options.log.debug({ id, reason }, 'container not inspected'),
    })
  }

  /** Takes a full list; resolves when every difference to it was looked into. */
  async reconcile(containers: Container[]): Promise<void> {
    const listed = new Set(containers.map(({ id }) => id))
    for (const id of this.#refused.keys()) if (!listed.has(id)) this.#forget(id)
    const doubtful = [...this.roster.keys()].filter((id) => !listed.has(id))
    for (const container of containers) {
      const { id, state } = container
      const member = this.roster.get(id)
      // Of the end of a sandbox whose app sleeps nothing else tells.
      if (member) member.hasSandbox = keepsSandbox(container)
      if (member ? differs(member.instance, container) : state === 'running') doubtful.push(id)
      else if (!member && this.#origins.isKnown(container)) this.#see(id, container)
      else if (!member) doubtful.push(id)
    }
    await this.#inspections.lookAll(doubtful.filter((id) => !this.#refused.has(id)))
  }

  /**
   * Settles what the process before us left in etcd: an instance that is still where its Endpoint says is taken over
   * as ready; Endpoints that no container holds are withdrawn.
   */
  sweep(): void {
    for (const member of this.roster.values()) {
      const { endpoint, phase } = member.instance
      if (phase === 'starting' && this.holders.isRouted(member, endpoint))
        this.#apply(member, { type: 'probed', ok: true })
    }
    for (const { key } of this.holders.orphans()) this.holders.drop(key)
  }

  take(event: EngineEvent): void {
    const { id } = event
    const member = this.roster.get(id)
    this.#inspections.overtake(id)
    switch (event.action) {
      case 'die':
      case 'pause':
      case 'destroy':
      case 'cut':
        if (member) this.#apply(member, endOf(event, member.instance), whyEnded(event))
        if (event.action === 'destroy') this.#forget(id)
        if (event.action === 'cut') void this.refresh(id)
        return
      case 'health':
        if (member) this.#apply(member, { type: 'health', healthy: event.health === 'healthy' })
        return
      case 'start':
      case 'unpause':
        return void this.refresh(id)
      case 'create':
    }
  }

  /** Asks the engine what a container is now, and goes by that. If the engine is away, a later list asks again. */
  refresh(id: string): Promise<void> {
    return this.#inspections.look(id)
  }

  /** Takes the Endpoint away because the instance is to sleep. See {@link Publication.withdraw}. */
  drain(id: string): Promise<string | null> {
    const member = this.roster.get(id)
    if (!member) return Promise.resolve('0')
    member.isDraining = true
    member.probing?.abort()
    return this.holders.withdraw(member)
  }

  /** The instance stays awake after all: its Endpoint comes back, if it is ready. */
  undrain(id: string): void {
    const member = this.roster.get(id)
    if (!member?.isDraining) return
    member.isDraining = false
    this.#settle(member)
  }

  stop(): void {
    this.#isStopped = true
    this.#inspections.stop()
    for (const member of this.roster.values()) member.probing?.abort()
  }

  #see(id: string, container: Container | null): void {
    const known = this.roster.get(id)
    if (!container) {
      if (known) this.#apply(known, { type: 'stopped' }, whyStopped(null))
      return this.#forget(id)
    }
    const labels = readLabels(container.labels)
    if (!labels.ok) return this.#refuse(container, labels.reason)
    if (this.#origins.isBorrowed(id))
      return this.#refuse(container, `its label ${APP_LABEL} is its image's, not its own`)
    const member = known ?? this.roster.add(discovered(id, labels.spec))
    member.hasSandbox = keepsSandbox(container)
    if (container.isCut) this.#options.onCut(member)
    if (container.state !== 'running' || container.isCut)
      return this.#apply(member, restOf(container), whyStopped(container))
    const endpoint = reachable(container, labels.spec.port, this.#options.address())
    if (typeof endpoint === 'string') {
      this.#apply(member, { type: 'stopped' }, endpoint)
      this.#forget(id)
      return this.#refuse(container, endpoint)
    }
    const routed = this.holders.isRouted(member, endpoint)
    const { pid, health } = container
    this.#apply(member, { type: 'runs', endpoint, pid, health, routed })
  }

  #refuse(container: Container, reason: string): void {
    if (this.#refused.get(container.id) === reason) return
    this.#refused.set(container.id, reason)
    this.#options.log.warn({ container: container.name, reason }, 'container left alone')
  }

  #forget(id: string): void {
    this.roster.delete(id)
    this.#refused.delete(id)
    this.#origins.forget(id)
  }

  #apply(member: Member, fact: Fact, why = ''): void {
    const before = member.instance
    const after = advance(before, fact)
    if (after === before) return
    member.instance = after
    const isNewRun = after.endpoint !== before.endpoint
    // one that is stopped while it is paused goes on for that: it is not awake
    if (isNewRun && before.phase !== 'paused') member.isDraining = false
    if (isNewRun && isRunning(after)) member.since = performance.now()
    if (before.phase === after.phase && !isNewRun) return
    member.changed = performance.now()
    // First what a request waits for, then what is told: a write to etcd leaves when this turn is over.
    this.#settle(member)
    const told = { ...member }
    setImmediate(() => tellPhase(before, told, why, this.#options))
    if (before.phase === 'paused' || after.phase === 'paused') this.#options.onPaused()
  }

  /** Makes the Endpoint and the probing what the member's state asks for. */
  #settle(member: Member): void {
    const { instance } = member
    member.probing?.abort()
    member.probing = null
    this.holders.settle(member)
    if (this.#isStopped || member.isDraining || !instance.endpoint) return
    if (instance.phase === 'unhealthy') return
    const probing = new AbortController()
    member.probing = probing
    const subject = { ...instance, endpoint: instance.endpoint }
    const tell = (ok: boolean): void => this.#apply(member, { type: 'probed', ok })
    void keepAsking(subject, this.#options.asking, tell, probing.signal)
  }
}
