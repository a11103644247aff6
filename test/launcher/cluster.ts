import { request } from 'node:http'
import { pino } from 'pino'
import type { Engine } from '../../adapters/docker.ts'
import { openEngine } from '../../adapters/docker-open.ts'
import { connect, type Store } from '../../adapters/etcd.ts'
import { Informer } from '../../adapters/informer.ts'
import { Probe } from '../../adapters/probe.ts'
import { Session } from '../../adapters/session.ts'
import { readPages } from '../../adapters/templates.ts'
import { Catalog, KINDS } from '../../launcher/catalog.ts'
import { Engines } from '../../launcher/engine.ts'
import { createLauncher } from '../../launcher/launcher.ts'
import type { LauncherOptions } from '../../launcher/options.ts'
import { App, type AppInput } from '../../model/app.ts'
import { type Endpoint, formatEndpoint } from '../../model/endpoint.ts'
import { Keys } from '../../model/key.ts'
import { readLabels } from '../../model/label.ts'
import { State } from '../../model/state.ts'
import { labEngine } from '../lab/engine.ts'
import { type LabEtcd, startEtcd } from '../lab/etcd.ts'
import { freePort } from '../lab/port.ts'

export interface Reply {
  status: number
  headers: Record<string, string>
  body: string
}

/** One request on a connection of its own. */
export function get(origin: string, path: string, headers: object, signal?: AbortSignal) {
  return new Promise<Reply>((resolve, reject) => {
    const call = request(
      new URL(path, origin),
      { headers: { ...headers }, agent: false, ...(signal && { signal }) },
      (response) => {
        const chunks: Buffer[] = []
        response.on('data', (chunk: Buffer) => chunks.push(chunk))
        response.on('end', () =>
          resolve({
            status: response.statusCode ?? 0,
            headers: response.headers as Record<string, string>,
            body: Buffer.concat(chunks).toString(),
          }),
        )
        response.on('error', reject)
      },
    )
    call.on('error', reject)
    call.end()
  })
}

const probe = new Probe(false)
const canConnect = (endpoint: Endpoint): Promise<boolean> =>
  probe.tcp(endpoint, 1_000, new AbortController().signal)

const quiet = pino({ level: process.env.LAB_LOG ?? 'silent' })

/** etcd, an engine and what a registrar does with it: registers instances that answer, for as long as they run. */
export class Cluster {
  readonly keys = new Keys()
  readonly address = labEngine().address
  readonly engine: Engine = openEngine(labEngine().url)
  readonly etcd: LabEtcd
  readonly store: Store
  /** how often each app was started, from the engine's events */
  readonly starts = new Map<string, number>()
  /** apps whose instances are not registered */
  readonly unregistered = new Set<string>()
  readonly #ending = new AbortController()
  readonly #closers: (() => Promise<unknown> | void)[] = []

  private constructor(etcd: LabEtcd) {
    this.etcd = etcd
    this.store = connect({ urls: [etcd.url] })
  }

  static async open(): Promise<Cluster> {
    const cluster = new Cluster(await startEtcd())
    const { time } = await cluster.engine.info()
    void cluster.#follow(time)
    const host = {
      name: 'lab',
      address: cluster.address,
      engine: labEngine().url,
      publish: cluster.address,
      cpus: 2,
      memory: 8 * 1024 ** 3,
    }
    await cluster.store.put(cluster.keys.named('host', 'lab'), JSON.stringify(host))
    return cluster
  }

  async add(input: Omit<AppInput, 'image'> & { image?: string }): Promise<App> {
    const app = App.parse({ ...input, image: input.image ?? 'reveille-test/app:1' })
    await this.store.put(this.keys.named('app', app.name), JSON.stringify(app))
    return app
  }

  /** A launcher in this process. */
  async launcher(
    id: string,
    more: Partial<LauncherOptions['settings']> & { hook?: LauncherOptions['hook'] } = {},
  ) {
    const { keys, store } = this
    const policy = {
      networks: [{ family: 4 as const, bits: 0n, prefix: 0 }],
      denied: new Set<string>(),
    }
    const catalog = new Catalog(new State(keys, policy), keys)
    const session = new Session(store, 10, { onLease: () => {}, log: quiet })
    const informer = new Informer(
      store,
      KINDS.map((kind) => keys.folder(kind)),
      { onChange: (batch, revision) => catalog.apply(batch, revision) },
    )
    informer.start()
    const wakes: string[] = []
    const asks: string[] = []
    const launcher = createLauncher({
      id,
      catalog,
      store,
      session,
      engines: new Engines(openEngine),
      reach: { connect: canConnect, read: (key) => store.get(key) },
      hook: more.hook ?? null,
      templates: readPages(),
      meter: { wake: (result) => wakes.push(result), lap: () => {}, ask: (a) => asks.push(a) },
      log: quiet,
      health: () => ({ ok: true }),
      synced: informer.synced,
      settings: {
        holdTimeout: 30,
        leaseTtl: 10,
        drainTimeout: 5,
        pageAfter: 300,
        reasons: 'full',
        heldPerApp: 2000,
        heldPerClient: 4000,
        heldTotal: 10_000,
        overcommit: 100,
        cpuOvercommit: 100,
        instancesPerHost: 500,
        startsPerHost: 4,
        availableTimeout: 500,
        registries: ['*'],
        network: 'sandbox',
        hostNetwork: 'off',
        proveRoutes: 'on',
        ...more,
      },
    })
    await informer.synced
    await session.start()
    launcher.start()
    const origin = `http://127.0.0.1:${await freePort()}`
    await launcher.server.listen({
      host: '127.0.0.1',
      port: Number(new URL(origin).port),
      backlog: 4096,
    })
    const stop = async (): Promise<void> => {
      launcher.end()
      await launcher.server.close()
      informer.stop()
      await session.stop()
    }
    this.#closers.push(stop)
    const wake = (app: string, headers: object = {}, signal?: AbortSignal): Promise<Reply> =>
      get(
        origin,
        '/wake',
        {
          'x-reveille-app': app,
          'x-reveille-uri': `/${app}/`,
          'x-reveille-method': 'GET',
          ...headers,
        },
        signal,
      )
    const settled = async (name: string): Promise<void> => {
      await catalog.when(name, () => (catalog.find(name) ? true : null), AbortSignal.timeout(5_000))
    }
    const add = async (input: Parameters<Cluster['add']>[0]): Promise<string> => {
      await this.add(input)
      await settled(input.name)
      return input.name
    }
    /** Ends an instance as a registrar does, without a claim. */
    const sleep = async (app: string, slot = 0): Promise<void> => {
      await this.engine.stop(`reveille-${app}-${slot}`, 10)
      const gone = () => (catalog.endpoint(app, slot) ? null : true)
      await catalog.when(app, gone, AbortSignal.timeout(5_000))
    }
    return { origin, launcher, catalog, wakes, asks, wake, settled, add, sleep, session, stop }
  }

  async close(): Promise<void> {
    for (const close of this.#closers.reverse()) await close()
    this.#ending.abort()
    for (const container of await this.engine.list()) {
      await this.engine.stop(container.id, 0)
      await this.engine.remove(container.id)
    }
    this.store.close()
    await this.etcd.stop()
  }

  async #follow(since: bigint): Promise<void> {
    try {
      for await (const event of this.engine.events(since, this.#ending.signal)) {
        const labels = readLabels(event.labels)
        if (!labels.ok) continue
        const { app, slot, port } = labels.spec
        const key = this.keys.endpoint(app, slot)
        if (event.action === 'die') await this.store.remove(key)
        if (event.action !== 'start') continue
        this.starts.set(app, (this.starts.get(app) ?? 0) + 1)
        if (!this.unregistered.has(app)) void this.#register(event.id, String(port), key)
      }
    } catch {
      // the engine or the test ended
    }
  }

  async #register(id: string, port: string, key: string): Promise<void> {
    while (!this.#ending.signal.aborted) {
      const container = await this.engine.inspect(id)
      const at = container?.published[port]
      if (!at || container?.state !== 'running') return
      const endpoint = { host: this.address, port: at.port }
      if (await canConnect(endpoint))
        return void (await this.store.put(key, formatEndpoint(endpoint)))
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
  }
}
