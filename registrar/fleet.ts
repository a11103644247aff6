import type { Logger } from 'pino'
import type { Container, EngineEvent } from '../model/container.ts'
import { type Endpoint, formatEndpoint } from '../model/endpoint.ts'
import type { Keys } from '../model/key.ts'
import { readLabels } from '../model/label.ts'
import { canonical } from '../model/name.ts'
import { advance, discovered, type Fact, type Instance, isRunning } from './instance.ts'
import { type Asking, keepAsking } from './readiness.ts'

/** The engine, as far as instances are looked at. */
export interface InspectedEngine extends Pick<Asking, 'exec' | 'healthcheck'> {
  inspect(id: string): Promise<Container | null>
}

/** Where Endpoints go. */
export interface Publisher {
  publish(key: string, value: string): void
  withdraw(key: string): Promise<string | null>
  wanted(key: string): string | null
  keys(): string[]
}

export interface FleetOptions {
  engine: InspectedEngine
  asking: Asking
  publisher: Publisher
  keys: Keys
  log: Logger
  /** IP address that instances are reached at from the gateways, and the one ports are published on */
  address(): { address: string; publish: string }
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

/** An inspection on its way; an event that overtakes it makes it worthless. */
interface Look {
  isOvertaken: boolean
  done: Promise<void>
}

/** Inspections at once while a list is gone through. */
const WIDTH = 16

const ANY: ReadonlySet<string> = new Set(['0.0.0.0', '::'])

/**
 * The containers of this host that are ours: from what the engine says to which Endpoints are wanted. Only `die` is
 * believed as it comes, because waiting would send requests to a dead address; that something runs, and where, is
 * asked of the engine each time.
 */
export class Fleet {
  readonly #options: FleetOptions
  readonly #members = new Map<string, Member>()
  /** why a container of ours is left alone, told once */
  readonly #refused = new Map<string, string>()
  /** by endpoint key: the container it is about */
  readonly #holders = new Map<string, string>()
  readonly #looks = new Map<string, Look>()
  #stopped = false

  constructor(options: FleetOptions) {
    this.#options = options
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

  /** The container that an Endpoint key is about. */
  holder(key: string): Member | undefined {
    return this.#members.get(this.#holders.get(key) ?? '')
  }

  /** Whether there is a container for `slot` of `app`, running or not. */
  has(app: string, slot: number): boolean {
    return [...this.#members.values()].some(({ instance }) => isSlot(instance, app, slot))
  }

  /** Takes a full list; resolves when every difference to it was looked into. */
  async reconcile(containers: Container[]): Promise<void> {
    const listed = new Map(containers.map((container) => [container.id, container]))
    for (const id of this.#refused.keys()) if (!listed.has(id)) this.#refused.delete(id)
    const doubtful = [...this.#members.keys()].filter((id) => !listed.has(id))
    for (const container of containers)
      if (!this.#members.has(container.id) && container.state !== 'running')
        this.#see(container.id, container)
      else if (this.#differs(container)) doubtful.push(container.id)
    const work = async (): Promise<void> => {
      for (let id = doubtful.pop(); id !== undefined; id = doubtful.pop()) await this.refresh(id)
    }
    await Promise.all(Array.from({ length: WIDTH }, work))
  }

  /**
   * Settles what the process before us left in etcd: an instance that is still where its Endpoint says is taken over
   * as ready; Endpoints that no container holds are withdrawn.
   */
  sweep(): void {
    for (const member of this.#members.values()) {
      const { endpoint, phase } = member.instance
      const routed = this.#options.publisher.wanted(this.#key(member.instance))
      if (phase === 'starting' && endpoint && routed === formatEndpoint(endpoint))
        this.#apply(member, { type: 'probed', ok: true })
    }
    for (const key of this.#options.publisher.keys())
      if (!this.#holders.has(key)) void this.#options.publisher.withdraw(key)
  }

  take(event: EngineEvent): void {
    const member = this.#members.get(event.id)
    const look = this.#looks.get(event.id)
    if (look) look.isOvertaken = true
    switch (event.action) {
      case 'die':
      case 'pause':
        if (member) this.#apply(member, { type: 'stopped' }, ended(event))
        return
      case 'destroy':
        if (member) this.#apply(member, { type: 'stopped' }, 'removed')
        this.#members.delete(event.id)
        this.#refused.delete(event.id)
        return
      case 'health':
        if (member) this.#apply(member, { type: 'health', healthy: event.health === 'healthy' })
        return
      case 'start':
      case 'unpause':
        void this.refresh(event.id)
        return
      case 'create':
        return
    }
  }

  /** Asks the engine what a container is now, and goes by that. If the engine is away, a later list asks again. */
  refresh(id: string): Promise<void> {
    const running = this.#looks.get(id)
    if (running) {
      running.isOvertaken = true
      return running.done
    }
    const look: Look = { isOvertaken: false, done: Promise.resolve() }
    this.#looks.set(id, look)
    look.done = this.#look(id, look).finally(() => this.#looks.delete(id))
    return look.done
  }

  /** Takes the Endpoint away because the instance is to sleep. See {@link Publisher.withdraw}. */
  drain(id: string): Promise<string | null> {
    const member = this.#members.get(id)
    if (!member) return Promise.resolve('0')
    const key = this.#key(member.instance)
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

  /** How many instances there are in each phase. */
  census(): Record<Instance['phase'], number> {
    const census = { starting: 0, ready: 0, unready: 0, unhealthy: 0, stopped: 0 }
    for (const { instance } of this.#members.values()) census[instance.phase]++
    return census
  }

  stop(): void {
    this.#stopped = true
    for (const member of this.#members.values()) member.probing?.abort()
  }

  /** Whether a list tells something of a container that we do not know yet. */
  #differs(container: Container): boolean {
    const member = this.#members.get(container.id)
    if (!member) return !this.#refused.has(container.id)
    const { instance } = member
    if (isRunning(instance) !== (container.state === 'running')) return true
    if (!isRunning(instance)) return false
    if (container.published[instance.spec.port]?.port !== instance.endpoint?.port) return true
    const unhealthy = instance.phase === 'unhealthy'
    return instance.healthcheck && unhealthy !== (container.health === 'unhealthy')
  }

  async #look(id: string, look: Look): Promise<void> {
    for (let attempt = 0; attempt < 5 && !this.#stopped; attempt++) {
      look.isOvertaken = false
      let container: Container | null
      try {
        container = await this.#options.engine.inspect(id)
      } catch (error) {
        this.#options.log.debug({ id, reason: (error as Error).message }, 'container not inspected')
        return
      }
      if (!look.isOvertaken && !this.#stopped) return this.#see(id, container)
    }
  }

  #see(id: string, container: Container | null): void {
    const known = this.#members.get(id)
    if (!container) {
      if (known) this.#apply(known, { type: 'stopped' }, 'removed')
      this.#members.delete(id)
      return
    }
    const labels = readLabels(container.labels)
    if (!labels.ok) return this.#refuse(container, labels.reason)
    const member = known ?? this.#add(discovered(id, labels.spec))
    if (container.state !== 'running')
      return this.#apply(member, { type: 'stopped' }, describe(container))
    const endpoint = this.#reachable(container, labels.spec.port)
    if (typeof endpoint === 'string') {
      this.#refuse(container, endpoint)
      return this.#apply(member, { type: 'stopped' }, endpoint)
    }
    this.#refused.delete(id)
    const routed =
      this.#options.publisher.wanted(this.#key(member.instance)) === formatEndpoint(endpoint)
    const { pid, health } = container
    this.#apply(member, { type: 'runs', endpoint, pid, health, routed })
  }

  /** Where gateways reach the instance, or why they cannot. */
  #reachable(container: Container, port: number): Endpoint | string {
    const published = container.published[port]
    const { address, publish } = this.#options.address()
    if (!published) return `port ${port} of the container is not published`
    if (!ANY.has(published.host) && published.host !== address && published.host !== publish)
      return `port ${port} is published on ${published.host}, which gateways do not use`
    return { host: address, port: published.port }
  }

  #refuse(container: Container, reason: string): void {
    if (this.#refused.get(container.id) === reason) return
    this.#refused.set(container.id, reason)
    this.#options.log.warn({ container: container.name, reason }, 'container left alone')
  }

  #add(instance: Instance): Member {
    const member = {
      instance,
      since: performance.now(),
      isDraining: false,
      probing: null,
    }
    this.#members.set(instance.id, member)
    return member
  }

  #apply(member: Member, fact: Fact, why = ''): void {
    const before = member.instance
    const after = advance(before, fact)
    if (after === before) return
    member.instance = after
    const isNewRun = after.pid !== before.pid || after.endpoint !== before.endpoint
    if (isNewRun) member.isDraining = false
    if (isNewRun && isRunning(after)) member.since = performance.now()
    this.#tell(before, after, member, why)
    if (before.phase !== after.phase || isNewRun) this.#settle(member)
  }

  #tell(before: Instance, after: Instance, member: Member, why: string): void {
    if (before.phase === after.phase) return
    const { app, slot } = after.spec
    const fields = { app, slot, container: after.id.slice(0, 12), ...(why && { why }) }
    if (after.phase === 'ready' && before.phase === 'starting') {
      const seconds = (performance.now() - member.since) / 1000
      this.#options.onReady(seconds)
      this.#options.log.info({ ...fields, seconds: Number(seconds.toFixed(3)) }, 'ready')
    } else if (after.phase === 'unready' || after.phase === 'unhealthy')
      this.#options.log.warn(fields, after.phase)
    else this.#options.log.info(fields, after.phase)
  }

  /** Makes the Endpoint and the probing what the member's state asks for. */
  #settle(member: Member): void {
    const { instance } = member
    member.probing?.abort()
    member.probing = null
    this.#route(member)
    if (this.#stopped || member.isDraining || !instance.endpoint) return
    if (instance.phase === 'unhealthy') return
    const probing = new AbortController()
    member.probing = probing
    const subject = { ...instance, endpoint: instance.endpoint }
    const tell = (ok: boolean): void => this.#apply(member, { type: 'probed', ok })
    void keepAsking(subject, this.#options.asking, tell, probing.signal)
  }

  /** At most one container holds a slot's key; should there be two, the first one does. */
  #route(member: Member): void {
    const { instance } = member
    const key = this.#key(instance)
    const holder = this.#holders.get(key)
    if (instance.phase === 'ready' && !member.isDraining && instance.endpoint) {
      if (holder !== undefined && holder !== instance.id) {
        this.#options.log.warn({ key, container: instance.id }, 'another container has this slot')
        return
      }
      this.#holders.set(key, instance.id)
      this.#options.publisher.publish(key, formatEndpoint(instance.endpoint))
      return
    }
    if (holder !== instance.id) return
    this.#holders.delete(key)
    void this.#options.publisher.withdraw(key)
    for (const other of this.#members.values())
      if (other !== member && this.#key(other.instance) === key) this.#route(other)
  }

  #key(instance: Instance): string {
    return this.#options.keys.endpoint(instance.spec.app, instance.spec.slot)
  }
}

function isSlot(instance: Instance, app: string, slot: number): boolean {
  return instance.spec.slot === slot && canonical(instance.spec.app) === canonical(app)
}

function describe(container: Container): string {
  return container.state === 'exited'
    ? `exited with code ${container.exitCode}`
    : `the engine says it is ${container.state}`
}

function ended(event: EngineEvent): string {
  return event.action === 'pause' ? 'paused' : `exited with code ${event.exitCode ?? 0}`
}
