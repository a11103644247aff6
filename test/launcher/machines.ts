import { pino } from 'pino'
import { connect, type Store } from '../../adapters/etcd.ts'
import { Informer } from '../../adapters/informer.ts'
import { Session } from '../../adapters/session.ts'
import { readPages } from '../../adapters/templates.ts'
import { Catalog } from '../../launcher/catalog.ts'
import { Engines } from '../../launcher/engine.ts'
import { createLauncher } from '../../launcher/launcher.ts'
import type { LauncherOptions } from '../../launcher/options.ts'
import { App, type AppInput } from '../../model/app.ts'
import { Keys } from '../../model/key.ts'
import { State } from '../../model/state.ts'
import { type LabEtcd, startEtcd } from '../lab/etcd.ts'
import { Machine, type MachineOptions } from './machine.ts'

const KINDS = [
  ...(['app', 'blueprint', 'host', 'drain', 'room'] as const),
  ...(['endpoint', 'claim', 'activity', 'roll', 'launcher', 'home'] as const),
]
const log = pino({ level: process.env['LAB_LOG'] ?? 'silent' })

/** A real etcd, real launchers, and hosts as {@link Machine} plays them. */
export class Machines {
  readonly keys = new Keys()
  readonly store: Store
  readonly hosts = new Map<string, Machine>()
  readonly #etcd: LabEtcd
  readonly #ends: (() => Promise<unknown>)[] = []

  private constructor(etcd: LabEtcd) {
    this.#etcd = etcd
    this.store = connect({ urls: [etcd.url] })
  }

  static async open(): Promise<Machines> {
    return new Machines(await startEtcd())
  }

  async host(options: Omit<MachineOptions, 'number'>): Promise<Machine> {
    const machine = new Machine(this.store, this.keys, {
      number: this.hosts.size + 1,
      ...options,
    })
    this.hosts.set(machine.record.engine, machine)
    await machine.join()
    return machine
  }

  /** Its registrar's lease ends: its record goes. */
  async lose(machine: Machine): Promise<void> {
    await this.store.remove(this.keys.named('host', machine.record.name))
  }

  async add(input: Omit<AppInput, 'image'> & { image?: string }): Promise<App> {
    const app = App.parse({ image: 'app:1', ...input })
    await this.store.put(this.keys.named('app', app.name), JSON.stringify(app))
    return app
  }

  async launcher(id: string, settings: Partial<LauncherOptions['settings']> = {}) {
    const { keys, store } = this
    const networks = [{ family: 4 as const, bits: 0n, prefix: 0 }]
    const catalog = new Catalog(new State(keys, { networks, denied: new Set() }), keys)
    const session = new Session(store, 10, { onLease: () => {}, log })
    const informer = new Informer(
      store,
      KINDS.map((kind) => keys.folder(kind)),
      { onChange: (batch, revision) => catalog.apply(batch, revision) },
    )
    informer.start()
    const launcher = createLauncher({
      ...{ id, catalog, store, session, log, hook: null, templates: readPages() },
      engines: new Engines((url) => {
        const machine = this.hosts.get(url)
        if (!machine) throw new Error(`no engine is at ${url}`)
        return machine
      }),
      reach: { connect: async () => true, read: (key) => store.get(key) },
      meter: { wake: () => {}, lap: () => {}, ask: () => {} },
      health: () => ({ ok: true }),
      synced: informer.synced,
      settings: {
        ...{ leaseTtl: 10, holdTimeout: 30, drainTimeout: 5, pageAfter: 300, reasons: 'full' },
        ...{ heldPerApp: 2000, heldPerClient: 4000, heldTotal: 10_000 },
        ...{ overcommit: 1, cpuOvercommit: 100, instancesPerHost: 500, startsPerHost: 4 },
        ...{ availableTimeout: 500, registries: ['*'], proveRoutes: 'on' },
        ...{ network: 'bridge', hostNetwork: 'off' },
        ...settings,
      },
    })
    await Promise.all([informer.synced, session.start()])
    this.#ends.push(async () => {
      launcher.end()
      await launcher.server.close()
      informer.stop()
      await session.stop()
    })
    /** Waits until it knows all these apps, and the hosts. */
    const knows = async (...names: string[]): Promise<void> => {
      const signal = AbortSignal.timeout(5_000)
      for (const name of names)
        await catalog.when(name, () => (catalog.find(name) ? true : null), signal)
      const all = () => (catalog.state.hosts.size >= this.hosts.size ? true : null)
      await catalog.when('/hosts', all, signal)
    }
    const { control, start } = launcher
    return { catalog, session, knows, start, wake: (name: string) => control.wake(name), control }
  }

  async close(): Promise<void> {
    for (const end of this.#ends) await end()
    this.store.close()
    await this.#etcd.stop()
  }
}
