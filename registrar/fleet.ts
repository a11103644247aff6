import type { Logger } from 'pino'
import type { Container, EngineEvent } from '../model/container.ts'
import { formatEndpoint } from '../model/endpoint.ts'
import type { Keys } from '../model/key.ts'
import { readLabels } from '../model/label.ts'
import { Inspections } from './inspections.ts'
import { advance, discovered, type Fact, type Instance, isRunning } from './instance.ts'
import { type Asking, keepAsking } from './readiness.ts'
import { differs, type HostAddress, isSlot, reachable, whyEnded, whyStopped } from './reading.ts'

/** Where Endpoints go. */
export interface Publisher {
  publish(key: string, value: string): void
  withdraw(key: string): Promise<string | null>
  wanted(key: string): string | null
  keys(): string[]
}

export interface FleetOptions {
  engine: { inspect(id: string): Promise<Container | null> }
  asking: Asking
  publisher: Publisher
  keys: Keys
  log: Logger
  address(): HostAddress
  /** seconds from the start of an instance to its first good probe */
  onReady(seconds: number): void
}

/** One container with what is being done about it. */
export interface Member {
  instance: Instance
  /** performance.now() when it began to run, as far as this process saw */
  since: number
  /** it is being put to sleep: no Endpoint, no probes */
  isDraining: boolean
  probing: AbortController | null
}

/**
 * The containers of this host that are ours: from what the engine says to which Endpoints are wanted. Only an end is
 * believed as it comes, because waiting would send requests to a dead address; that something runs, and where, is
 * asked of the engine each time.
 */
export class Fleet {
  readonly #options: FleetOptions
  readonly #members = new Map<string, Member>()
  /** by container id: why one of ours is left alone, told once */
  readonly #refused = new Map<string, string>()
  /** by endpoint key: the container it is about */
  readonly #holders = new Map<string, string>()
  readonly #inspections: Inspections
  #isStopped = false

  constructor(options: FleetOptions) {
    this.#options = options
    this.#inspections = new Inspections({
      inspect: (id) => options.engine.inspect(id),
      onSeen: (id, container) => this.#see(id, container),
      onFailure: (id, reason) => options.log.debug({ id, reason }, 'container not inspected'),
    })
  }

  members(): IterableIterator<Member> {
    return this.#members.values()
  }

  member(id: string): Member | undefined {
    return this.#members.get(id)
  }

  /** The container that runs `slot` of `app` here. */
  running(app: string, slot: number): Member | undefined {
    return [...this.#members.values()].find(
      ({ instance }) => isRunning(instance) && isSlot(instance, app, slot),
    )
  }

  /** Whether there is a container for `slot` of `app`, running or not. */
  has(app: string, slot: number): boolean {
    return [...this.#members.values()].some(({ instance }) => isSlot(instance, app, slot))
  }

  /** The container that an Endpoint key is about. */
  holder(key: string): Member | undefined {
    return this.#members.get(this.#holders.get(key) ?? '')
  }

  /** How many instances there are in each phase. */
  census(): Record<Instance['phase'], number> {
    const census = { starting: 0, ready: 0, unready: 0, unhealthy: 0, stopped: 0 }
    for (const { instance } of this.#members.values()) census[instance.phase]++
    return census
  }

  /** Takes a full list; resolves when every difference to it was looked into. */
  async reconcile(containers: Container[]): Promise<void> {
    const listed = new Set(containers.map(({ id }) => id))
    for (const id of this.#refused.keys()) if (!listed.has(id)) this.#refused.delete(id)
    const doubtful = [...this.#members.keys()].filter((id) => !listed.has(id))
    for (const container of containers) {
      const { id, state } = container
      const member = this.#members.get(id)
      if (member ? differs(member.instance, container) : state === 'running') doubtful.push(id)
      else if (!member) this.#see(id, container)
    }
    await this.#inspections.lookAll(doubtful.filter((id) => !this.#refused.has(id)))
  }

  /**
   * Settles what the process before us left in etcd: an instance that is still where its Endpoint says is taken over
   * as ready; Endpoints that no container holds are withdrawn.
   */
  sweep(): void {
    const { publisher } = this.#options
    for (const member of this.#members.values()) {
      const { endpoint, phase } = member.instance
      const isRouted = endpoint && publisher.wanted(this.#key(member)) === formatEndpoint(endpoint)
      if (phase === 'starting' && isRouted) this.#apply(member, { type: 'probed', ok: true })
    }
    for (const key of publisher.keys()) if (!this.#holders.has(key)) void publisher.withdraw(key)
  }

  take(event: EngineEvent): void {
    const { id } = event
    const member = this.#members.get(id)
    this.#inspections.overtake(id)
    switch (event.action) {
      case 'die':
      case 'pause':
      case 'destroy':
        if (member) this.#apply(member, { type: 'stopped' }, whyEnded(event))
        if (event.action === 'destroy') this.#forget(id)
        return
      case 'health':
        if (member) this.#apply(member, { type: 'health', healthy: event.health === 'healthy' })
        return
      case 'start':
      case 'unpause':
        void this.refresh(id)
        return
      case 'create':
        return
    }
  }

  /** Asks the engine what a container is now, and goes by that. If the engine is away, a later list asks again. */
  refresh(id: string): Promise<void> {
    return this.#inspections.look(id)
  }

  /** Takes the Endpoint away because the instance is to sleep. See {@link Publisher.withdraw}. */
  drain(id: string): Promise<string | null> {
    const member = this.#members.get(id)
    if (!member) return Promise.resolve('0')
    const key = this.#key(member)
    const isHolder = this.#holders.get(key) === id
    member.isDraining = true
    this.#settle(member)
    return isHolder ? this.#options.publisher.withdraw(key) : Promise.resolve('0')
  }

  /** The instance stays awake after all: its Endpoint comes back, if it is ready. */
  undrain(id: string): void {
    const member = this.#members.get(id)
    if (!member?.isDraining) return
    member.isDraining = false
    this.#settle(member)
  }

  stop(): void {
    this.#isStopped = true
    this.#inspections.stop()
    for (const member of this.#members.values()) member.probing?.abort()
  }

  #see(id: string, container: Container | null): void {
    const known = this.#members.get(id)
    if (!container) {
      if (known) this.#apply(known, { type: 'stopped' }, whyStopped(null))
      return this.#forget(id)
    }
    const labels = readLabels(container.labels)
    if (!labels.ok) return this.#refuse(container, labels.reason)
    const member = known ?? this.#add(discovered(id, labels.spec))
    if (container.state !== 'running')
      return this.#apply(member, { type: 'stopped' }, whyStopped(container))
    const endpoint = reachable(container, labels.spec.port, this.#options.address())
    if (typeof endpoint === 'string') {
      this.#apply(member, { type: 'stopped' }, endpoint)
      this.#forget(id)
      return this.#refuse(container, endpoint)
    }
    const routed = this.#options.publisher.wanted(this.#key(member)) === formatEndpoint(endpoint)
    const { pid, health } = container
    this.#apply(member, { type: 'runs', endpoint, pid, health, routed })
  }

  #refuse(container: Container, reason: string): void {
    if (this.#refused.get(container.id) === reason) return
    this.#refused.set(container.id, reason)
    this.#options.log.warn({ container: container.name, reason }, 'container left alone')
  }

  #forget(id: string): void {
    this.#members.delete(id)
    this.#refused.delete(id)
  }

  #add(instance: Instance): Member {
    const member = { instance, since: performance.now(), isDraining: false, probing: null }
    this.#members.set(instance.id, member)
    return member
  }

  #apply(member: Member, fact: Fact, why = ''): void {
    const before = member.instance
    const after = advance(before, fact)
    if (after === before) return
    member.instance = after
    const isNewRun = after.endpoint !== before.endpoint
    if (isNewRun) member.isDraining = false
    if (isNewRun && isRunning(after)) member.since = performance.now()
    if (before.phase === after.phase && !isNewRun) return
    // first what a request waits for, then what is told
    this.#settle(member)
    this.#tell(before, member, why)
  }

  #tell(before: Instance, { instance, since }: Member, why: string): void {
    const { spec, phase, id } = instance
    const fields = {
      app: spec.app,
      slot: spec.slot,
      container: id.slice(0, 12),
      ...(why && { why }),
    }
    const { log } = this.#options
    if (phase === 'ready' && before.phase === 'starting') {
      const seconds = (performance.now() - since) / 1000
      this.#options.onReady(seconds)
      log.info({ ...fields, seconds: Number(seconds.toFixed(3)) }, phase)
    } else if (phase === 'unready' || phase === 'unhealthy') log.warn(fields, phase)
    else log.info(fields, phase)
  }

  /** Makes the Endpoint and the probing what the member's state asks for. */
  #settle(member: Member): void {
    const { instance } = member
    member.probing?.abort()
    member.probing = null
    this.#route(member)
    if (this.#isStopped || member.isDraining || !instance.endpoint) return
    if (instance.phase === 'unhealthy') return
    const probing = new AbortController()
    member.probing = probing
    const subject = { ...instance, endpoint: instance.endpoint }
    const tell = (ok: boolean): void => this.#apply(member, { type: 'probed', ok })
    void keepAsking(subject, this.#options.asking, tell, probing.signal)
  }

  /** At most one container holds a slot's key; should there be two, the first one does. */
  #route(member: Member): void {
    const { id, phase, endpoint } = member.instance
    const key = this.#key(member)
    const holder = this.#holders.get(key)
    if (phase === 'ready' && !member.isDraining && endpoint) {
      if (holder !== undefined && holder !== id)
        return this.#options.log.warn({ key, container: id }, 'another container has this slot')
      this.#holders.set(key, id)
      return this.#options.publisher.publish(key, formatEndpoint(endpoint))
    }
    if (holder !== id) return
    this.#holders.delete(key)
    void this.#options.publisher.withdraw(key)
    for (const other of this.#members.values())
      if (other !== member && this.#key(other) === key) this.#route(other)
  }

  #key({ instance }: Member): string {
    return this.#options.keys.endpoint(instance.spec.app, instance.spec.slot)
  }
}
