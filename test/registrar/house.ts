import Docker from 'dockerode'
import type { Engine } from '../../adapters/docker.ts'
import { openEngine } from '../../adapters/docker-open.ts'
import { connect, type Store } from '../../adapters/etcd.ts'
import { Informer } from '../../adapters/informer.ts'
import { App, type AppInput } from '../../model/app.ts'
import { Keys } from '../../model/key.ts'
import { writeLabels } from '../../model/label.ts'
import type { Network } from '../../model/network.ts'
import { labEngine } from '../lab/engine.ts'
import { type LabEtcd, startEtcd } from '../lab/etcd.ts'
import { APP_IMAGE } from '../lab/image.ts'
import type { Part } from '../lab/part.ts'
import { freePort } from '../lab/port.ts'
import { eventually, startRegistrar } from './process.ts'

/** What a Docker host is made of: the lab's engine, an etcd, a registrar, and containers. */
export class House {
  readonly keys = new Keys()
  readonly engine: Engine
  readonly docker: Docker
  readonly etcd: LabEtcd
  readonly store: Store
  readonly address: string
  readonly settings: Record<string, string>
  readonly #made: string[] = []
  #registrar: Part | null = null

  private constructor(etcd: LabEtcd, settings: Record<string, string>) {
    const { url, address } = labEngine()
    this.etcd = etcd
    this.store = connect({ urls: [etcd.url] })
    this.engine = openEngine(settings.docker ?? url)
    this.docker = new Docker({ socketPath: url.slice('unix://'.length) })
    this.address = address
    this.settings = settings
  }

  /** @param more settings of the registrar besides those every test needs */
  static async open(more: Record<string, string> = {}): Promise<House> {
    const { url, address } = labEngine()
    const etcd = await startEtcd()
    const house = new House(etcd, {
      ...{ etcd: etcd.url, docker: url, address, id: 'h1', leaseTtl: '3s', logLevel: 'debug' },
      registrarAdmin: `127.0.0.1:${await freePort()}`,
      ...more,
    })
    await house.start()
    return house
  }

  /** What the registrar that runs now has logged so far. */
  get log(): string {
    return this.#registrar?.output ?? ''
  }

  /** Process id of the registrar. */
  get pid(): number {
    return this.#registrar?.pid ?? 0
  }

  async start(): Promise<void> {
    this.#registrar = await startRegistrar(this.settings)
  }

  async kill(): Promise<void> {
    await this.#registrar?.kill()
  }

  /** SIGTERM. */
  async end(): Promise<void> {
    await this.#registrar?.end()
  }

  /** Creates a container the way a launcher does and starts it. Returns its id. */
  async run(
    input: Omit<AppInput, 'image'> & { image?: string },
    slot = 0,
    revision = '',
    network: Network = 'bridge',
  ): Promise<string> {
    const app = App.parse({ image: APP_IMAGE, ...input })
    const { name, port, health, idleAfter, sleep, stopTimeout, min } = app
    const spec = { app: name, slot, port, health, idleAfter, sleep, stopTimeout, min, revision }
    const id = await this.engine.create({
      name: `test-${name}-${slot}`,
      app,
      labels: writeLabels(spec),
      publish: this.address,
      network,
    })
    this.#made.push(id)
    await this.engine.start(id)
    return id
  }

  /** Creates a container the way a person does, with any labels, and starts it. Returns its id. */
  async runByHand(options: Docker.ContainerCreateOptions): Promise<string> {
    const container = await this.docker.createContainer({
      Image: APP_IMAGE,
      ExposedPorts: { '8000/tcp': {} },
      ...options,
      HostConfig: {
        PortBindings: { '8000/tcp': [{ HostIp: this.address, HostPort: '' }] },
        Init: true,
        ...options.HostConfig,
      },
    })
    this.#made.push(container.id)
    await container.start()
    return container.id
  }

  /** The value of an Endpoint key, null if it is not there. */
  async endpoint(app: string, slot = 0): Promise<string | null> {
    return (await this.store.get(this.keys.endpoint(app, slot)))?.value ?? null
  }

  /** Waits for the Endpoint of an app. */
  registered(app: string, slot = 0, patience?: number): Promise<string> {
    return eventually(() => this.endpoint(app, slot), patience)
  }

  /** Waits until an app has no Endpoint. */
  async unregistered(app: string, slot = 0, patience?: number): Promise<void> {
    await eventually(async () => (await this.endpoint(app, slot)) === null, patience)
  }

  /** Every value an Endpoint key has from now on, null when it is gone. */
  history(app: string): { values: (string | null)[]; stop(): void } {
    const values: (string | null)[] = []
    const key = this.keys.endpoint(app, 0)
    const informer = new Informer(this.store, [key], {
      onChange: (batch) => {
        for (const change of batch)
          if (change.type === 'delete') values.push(null)
          else if (change.entry.key === key) values.push(change.entry.value)
      },
    })
    informer.start()
    return { values, stop: () => informer.stop() }
  }

  async isRunning(id: string): Promise<boolean> {
    return (await this.docker.getContainer(id).inspect()).State.Running
  }

  async close(): Promise<void> {
    await this.kill()
    for (const id of this.#made)
      await this.docker
        .getContainer(id)
        .remove({ force: true })
        .catch(() => {})
    this.store.close()
    await this.etcd.stop()
  }
}
