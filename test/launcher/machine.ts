import { setTimeout as pause } from 'node:timers/promises'
import type { Store } from '../../adapters/etcd.ts'
import type { Engine } from '../../launcher/engine.ts'
import type { Container, ContainerRequest } from '../../model/container.ts'
import { formatEndpoint } from '../../model/endpoint.ts'
import type { Keys } from '../../model/key.ts'
import { readLabels } from '../../model/label.ts'
import { Host } from '../../model/record.ts'

type Call = 'inspect' | 'list' | 'create' | 'start' | 'stop' | 'remove' | 'pull' | 'ping'

/** An engine's refusal, with its code. */
export function refusal(
  code: string,
  message = `the engine says ${code}`,
  exitCode?: number,
): Error {
  return Object.assign(new Error(message), { code, ...(exitCode !== undefined && { exitCode }) })
}

export interface MachineOptions {
  name: string
  /** last part of its address */
  number: number
  memory?: number
  cpus?: number
  images?: string[]
  labels?: Record<string, string>
}

/**
 * A Docker host without Docker: an engine as strict as the real one about names, states and images, and a registrar
 * that writes an Endpoint where the slot's key is free. What goes wrong is put into `faults`.
 */
export class Machine implements Engine {
  readonly record: Host
  readonly containers = new Map<string, Container>()
  readonly images: Set<string>
  /** no test here has groups */
  readonly groups = {} as Engine['groups']
  /** runs before a call takes effect; throws what the engine says, or waits as long as it hangs */
  readonly faults: Partial<Record<Call, (id: string) => Promise<void> | void>> = {}
  /** ids of the containers that were started, in order */
  readonly started: string[] = []
  /** milliseconds a start takes */
  startTime = 5
  /** most starts under way at once so far */
  busiest = 0
  /** whether its registrar lives */
  isRegistering = true
  readonly #store: Store
  readonly #keys: Keys
  #starting = 0
  #made = 0

  constructor(store: Store, keys: Keys, options: MachineOptions) {
    const { name, number, memory = 2 ** 33, cpus = 2, images = ['app:1'], labels = {} } = options
    const address = `10.9.0.${number}`
    const engine = `tcp://${address}:2376`
    this.record = Host.parse({
      ...{ name, address, engine, publish: address, memory, cpus, labels, images },
    })
    this.images = new Set(images)
    this.#store = store
    this.#keys = keys
  }

  get running(): Container[] {
    return [...this.containers.values()].filter(({ state }) => state === 'running')
  }

  /** Writes its Host record, as it is. */
  async join(): Promise<void> {
    await this.#store.put(this.#keys.named('host', this.record.name), JSON.stringify(this.record))
  }

  async ping(): Promise<void> {
    await this.faults.ping?.('')
  }

  async list(): Promise<Container[]> {
    await this.faults.list?.('')
    return [...this.containers.values()].map((container) => ({ ...container }))
  }

  async inspect(id: string): Promise<Container | null> {
    await this.faults.inspect?.(id)
    const found = this.#find(id)
    return found ? { ...found } : null
  }

  async create({ name, app, labels }: ContainerRequest): Promise<string> {
    await this.faults.create?.(name)
    if (!this.images.has(app.image)) throw refusal('no-image', `No such image: ${app.image}`)
    if (this.#find(name)) throw refusal('name-taken')
    const id = `${this.record.name}-${++this.#made}`
    this.containers.set(id, {
      ...{ id, name, labels, state: 'created', image: app.image },
      ...{ exitCode: 0, error: '', health: 'none', published: {}, pid: 0 },
    })
    return id
  }

  /** no test here has sandboxes */
  async stopSandbox(): Promise<void> {}

  /** no test here has one that is paused */
  async unpause(id: string): Promise<void> {
    throw refusal('conflict', `${id} is not paused`)
  }

  async start(id: string): Promise<void> {
    this.#starting += 1
    this.busiest = Math.max(this.busiest, this.#starting)
    try {
      await this.faults.start?.(id)
      await pause(this.startTime)
    } finally {
      this.#starting -= 1
    }
    const container = this.#find(id)
    if (!container) throw refusal('not-found')
    if (container.state === 'running') return
    container.state = 'running'
    container.published = { '8000': { host: this.record.address, port: 20_000 + this.#made } }
    this.started.push(id)
    void this.#register(container)
  }

  async stop(id: string): Promise<void> {
    await this.faults.stop?.(id)
    const container = this.#find(id)
    if (container?.state !== 'running') return
    container.state = 'exited'
    const { key, value } = this.#endpoint(container)
    const entry = await this.#store.get(key)
    if (entry?.value === value) await this.#store.remove(key, { modRevision: entry.modRevision })
  }

  async remove(id: string): Promise<void> {
    await this.faults.remove?.(id)
    const container = this.#find(id)
    if (container?.state === 'running') throw refusal('conflict', 'it is running')
    if (container) this.containers.delete(container.id)
  }

  /** Nothing is told: what the launcher knows it has from etcd. */
  follow(_listener: unknown, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      signal.addEventListener('abort', () => resolve())
    })
  }

  wait(): Promise<number> {
    return new Promise(() => {})
  }

  async *logs(): AsyncGenerator<string> {
    yield 'nothing'
  }

  async pull(image: string): Promise<void> {
    await this.faults.pull?.(image)
    this.images.add(image)
  }

  close(): void {}

  #find(id: string): Container | undefined {
    return this.containers.get(id) ?? [...this.containers.values()].find(({ name }) => name === id)
  }

  #endpoint({ labels, published }: Container): { key: string; value: string } {
    const read = readLabels(labels)
    if (!read.ok) throw new Error(read.reason)
    const at = published['8000']
    if (!at) throw new Error('it has no port')
    const { app, slot } = read.spec
    return { key: this.#keys.endpoint(app, slot), value: formatEndpoint(at) }
  }

  async #register(container: Container): Promise<void> {
    const { key, value } = this.#endpoint(container)
    while (!this.isRegistering) await pause(10)
    if (container.state === 'running') await this.#store.create(key, value)
  }
}
