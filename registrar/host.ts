import type { Logger } from 'pino'
import type { Host } from '../model/record.ts'
import type { Entry } from '../model/state.ts'
import type { EndpointStore } from './endpoint-store.ts'
import { isNamesake, namesake } from './namesake.ts'
import { Backoff, pause } from './pause.ts'

/** What the engine says of its machine. */
export interface HostFacts {
  cpus: number
  /** bytes */
  memory: number
  /** IP address of the default bridge, '' if it has none */
  bridge: string
  /** references of the images it has, the newest first */
  images: string[]
  /** folder of its data, '' if it does not say */
  root: string
}

export interface HostOptions {
  /** name of this host in the cluster */
  name: string
  /** where launchers reach the engine */
  engine: string
  /** IP address of the instances as set, '' to use the engine's bridge */
  address: string
  /** what apps may ask of this host */
  labels: Record<string, string>
  /** bytes free below a folder of the engine, null if it is not on this machine */
  space(folder: string): Promise<number | null>
  /** instances that sleep paused here, as app/slot */
  paused(): string[]
  /** etcd key of the record */
  key: string
  info(): Promise<HostFacts>
  lease(): string | null
  store: HostStore
  /** what tells this machine from others of its name */
  incarnation: string
  log: Logger
}

/** etcd, as far as the record is written. */
export type HostStore = Pick<EndpointStore, 'create' | 'replace'> & {
  get(key: string): Promise<Entry | null>
}

/** Milliseconds between looks at what the engine has. */
const REFRESH = 30_000

/** Free bytes are told in steps: a record that changed with every log line would be news to everybody. */
const STEP = 64 * 1024 ** 2

/** Bytes of image names that a record has at most: one that is too large would be refused, and the host with it. */
const NAMED = 32 * 1024

/** The same of paused instances: some hundred on one host. The room of what is left out is not kept. */
const PAUSED = 16 * 1024

/** As many of `names` as fit into so many bytes, from the first on. Of the others nobody knows that they are there. */
function fitting(names: readonly string[], bytes: number): string[] {
  let left = bytes
  return names.filter((name) => {
    left -= Buffer.byteLength(JSON.stringify(name)) + 1
    return left >= 0
  })
}

/** Keeps the record of this host in etcd: under the lease of the moment, as the engine is. */
export class HostRecord {
  readonly #options: HostOptions
  #record: Host | null = null
  #hurry = new AbortController()
  /** those who wait for the record as it is now */
  #waiting: (() => void)[] = []
  #written = ''

  constructor(options: HostOptions) {
    this.#options = options
  }

  /** Where instances are reached and where their ports are published; '' before the engine said so. */
  get address(): string {
    return this.#options.address || (this.#record?.address ?? '')
  }

  /** Of the engine, bytes; null before it said so. */
  get memory(): number | null {
    return this.#record?.memory ?? null
  }

  /**
   * Looks again at once: the lease is new, the engine came back, or something was paused. Resolves when what is so by now
   * is written, however long that takes.
   */
  refresh(): Promise<void> {
    const written = new Promise<void>((resolve) => this.#waiting.push(resolve))
    this.#hurry.abort()
    return written
  }

  /** The record as the engine is now. Resolves when the address is known; throws if the engine does not answer. */
  async look(): Promise<Host> {
    const { name, engine, address: set, incarnation, labels } = this.#options
    const { cpus, memory, bridge, images, root } = await this.#options.info()
    const address = set || bridge
    if (address === '') throw new Error('the engine has no default bridge: set --address')
    const paused = fitting(this.#options.paused(), PAUSED)
    const free = root === '' ? null : await this.#options.space(root)
    this.#record = {
      ...{ name, address, engine, publish: address, cpus, memory, labels },
      ...{ images: fitting(images, NAMED).sort(), incarnation },
      ...(paused.length > 0 && { paused }),
      ...(free !== null && { disk: Math.floor(free / STEP) * STEP }),
    }
    return this.#record
  }

  /** Waits for the engine to say where its instances are reached: nothing can be registered before. */
  async findAddress(signal: AbortSignal): Promise<void> {
    const backoff = new Backoff()
    let isTold = false
    while (!signal.aborted && this.address === '')
      try {
        await this.look()
      } catch (error) {
        const reason = (error as Error).message
        if (!isTold) this.#options.log.warn({ reason }, 'waiting for the engine')
        isTold = true
        await pause(backoff.next(), signal)
      }
  }

  /** Runs until `signal` aborts. Does not throw. */
  async run(signal: AbortSignal): Promise<void> {
    const backoff = new Backoff()
    let isTold = false
    const stop = (): void => this.#hurry.abort()
    signal.addEventListener('abort', stop)
    while (!signal.aborted) {
      this.#hurry = new AbortController()
      let delay = REFRESH
      const told = this.#waiting.splice(0)
      try {
        await this.#write(await this.look())
        for (const tell of told) tell()
        backoff.reset()
        isTold = false
      } catch (error) {
        const reason = (error as Error).message
        // once for each outage: without its record no launcher starts anything on this host
        this.#options.log[isTold ? 'debug' : 'warn']({ reason }, 'host record not written')
        isTold = true
        delay = backoff.next()
        this.#waiting.unshift(...told)
      }
      if (!signal.aborted) await pause(delay, this.#hurry.signal)
    }
    signal.removeEventListener('abort', stop)
  }

  /** Also when nothing changed: somebody may have deleted it. Once in 30 s that costs nothing. */
  async #write(record: Host): Promise<void> {
    const { key, store, incarnation } = this.#options
    const lease = this.#options.lease()
    if (lease === null) return // the next one brings us here at once
    const value = JSON.stringify(record)
    const found = await store.get(key)
    if (isNamesake(found, incarnation)) throw new Error(namesake(record.name))
    const isWritten = found
      ? (await store.replace(key, value, { modRevision: found.modRevision, lease })) !== null
      : (await store.create(key, value, { lease })).won
    if (!isWritten) throw new Error('somebody else wrote it meanwhile')
    const told = JSON.stringify({ ...record, disk: undefined, paused: undefined })
    if (this.#written !== told)
      this.#options.log.info({ host: record.name, address: record.address }, 'host record written')
    this.#written = told
  }
}
