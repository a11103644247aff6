import { hostname } from 'node:os'
import { startAdmin } from '../adapters/admin.ts'
import { countConnections } from '../adapters/connections.ts'
import { freeBytes } from '../adapters/disk.ts'
import { openEngine } from '../adapters/docker-open.ts'
import { engineAccess } from '../adapters/docker-settings.ts'
import { connect } from '../adapters/etcd.ts'
import { etcdOptions } from '../adapters/etcd-settings.ts'
import { Informer } from '../adapters/informer.ts'
import { listening } from '../adapters/listening.ts'
import { createLog } from '../adapters/log.ts'
import { readIncarnation } from '../adapters/machine.ts'
import { registrarMetrics } from '../adapters/metrics.ts'
import { Probe } from '../adapters/probe.ts'
import { type Open, type Running, serve } from '../adapters/serve.ts'
import { Session } from '../adapters/session.ts'
import { parseEndpoint } from '../model/endpoint.ts'
import { readHostLabels } from '../model/host-label.ts'
import { Keys } from '../model/key.ts'
import { isAppName } from '../model/name.ts'
import type { Settings } from '../model/setting.ts'
import { startDiscovery } from './discovery/main.ts'
import { Publication } from './publication.ts'
import { Refusals } from './refusal.ts'
import { Registrar } from './registrar.ts'
import { Sidekick } from './sidekick.ts'

/** Runs a registrar until the process is told to end. */
export function run(settings: Settings): Promise<void> {
  return serve('registrar', [open], settings)
}

/** Starts a registrar: of an engine, or with `--app` of one process. */
export const open: Open = (settings) =>
  settings.app === '' ? openKeeper(settings) : openSidekick(settings)

async function openKeeper(settings: Settings): Promise<Running> {
  const log = createLog('registrar', settings.logLevel)
  const metrics = registrarMetrics()
  const keys = new Keys(settings.prefix)
  const store = connect(etcdOptions(settings))
  const session = new Session(store, settings.leaseTtl, {
    onLease: (lease) => registrar.useLease(lease),
    log,
  })
  const engine = openEngine(settings.docker, engineAccess(settings))
  const registrar = new Registrar({
    name: settings.id ?? hostname(),
    incarnation: await readIncarnation(settings.docker),
    keys,
    engine,
    engineUrl: settings.engineAdvertise || settings.docker,
    address: settings.address,
    labels: readHostLabels(settings.hostLabels),
    space: settings.docker.startsWith('unix:') ? freeBytes : () => Promise.resolve(null),
    probe: new Probe(true),
    store,
    standing: session,
    connections: countConnections,
    leaseTtl: settings.leaseTtl,
    drainTimeout: settings.drainTimeout,
    sandboxes: settings.sandboxes,
    isInformed: () => informer.connected,
    meter: {
      ready: (seconds) => metrics.phaseSeconds.observe({ phase: 'ready' }, seconds),
      wrote: countWrites(metrics),
      slept: (result) => metrics.sleeps.inc({ result }),
      engine: (up) => metrics.engineUp.set(up ? 1 : 0),
    },
    log,
  })
  const informer = new Informer(store, registrar.cluster.prefixes, {
    onChange: (batch, revision) => registrar.observe(batch, revision),
    log,
  })
  // A gauge of what is true when it is read needs no keeping up to date.
  Object.assign(metrics.instances, {
    collect: () => {
      for (const [state, count] of Object.entries(registrar.fleet.roster.census()))
        metrics.instances.set({ state }, count)
    },
  })
  const opening = startAdmin({
    listen: settings.registrarAdmin,
    health: () => {
      const detail = {
        engine: registrar.isEngineUp,
        session: session.valid(),
        etcd: informer.connected,
      }
      return { ok: Object.values(detail).every(Boolean), detail }
    },
    metrics: metrics.registry,
  })
  const admin = await listening('registrarAdmin', opening)

  void session.start()
  const inherited = registrar.inherit().then(() => informer.start())
  registrar.start(inherited, informer.synced)
  const address = (): string => registrar.address
  const app = (name: string) => registrar.cluster.app(name)
  const isInformed = (): boolean => informer.connected
  const endDiscovery = startDiscovery(settings, { engine, store, address, app, isInformed, log })
  log.info({ engine: settings.docker, admin: settings.registrarAdmin }, 'registrar is up')

  return {
    log,
    farewell: 'registrar ends, its instances stay registered for a lease time',
    stop: async () => {
      await Promise.allSettled([registrar.stop(), endDiscovery(), admin.close()])
      informer.stop()
      store.close() // the session is not stopped: that would revoke the lease
    },
  }
}

function countWrites(metrics: ReturnType<typeof registrarMetrics>) {
  return (change: 'registered' | 'removed' | 'conflict', seconds?: number): void => {
    metrics.registrations.inc({ change })
    if (seconds !== undefined) metrics.phaseSeconds.observe({ phase: 'registered' }, seconds)
  }
}

async function openSidekick(settings: Settings): Promise<Running> {
  const log = createLog('registrar', settings.logLevel)
  const metrics = registrarMetrics()
  const endpoint = parseEndpoint(settings.endpoint)
  if (!isAppName(settings.app)) throw new Error(`--app ${settings.app} is not an app's name`)
  if (!endpoint) throw new Error('--endpoint must be address:port, like 10.0.0.5:49150')
  const keys = new Keys(settings.prefix)
  const store = connect(etcdOptions(settings))
  const session = new Session(store, settings.leaseTtl, {
    onLease: (lease) => publication.useLease(lease),
    log,
  })
  const publication = new Publication(store, {
    log,
    patience: settings.leaseTtl * 1000,
    onConflict: (key, holder) =>
      log.warn({ key, holder: holder.value }, 'the slot belongs to another instance'),
    reconsider: () => Promise.resolve(), // it is asked every second anyway
    onLeaseGone: () => session.check(),
    onWrite: countWrites(metrics),
  })
  const sidekick = new Sidekick({
    ...{ app: settings.app, slot: settings.slot, endpoint, probe: settings.probe },
    // whoever runs a process by hand knows what listens there: no docker-proxy is assumed
    asking: new Probe(false),
    publisher: publication,
    keys,
    log,
  })
  const key = keys.endpoint(settings.app, settings.slot)
  const refusals = new Refusals((text) => text === key, keys, log)
  const informer = new Informer(store, [key, keys.folder('gateway')], {
    onChange: (batch, revision) => {
      for (const change of batch) {
        publication.observe(change, revision)
        refusals.observe(change)
      }
    },
    log,
  })
  // Several sidekicks share a machine, and what they are for does not need this.
  const withoutAdmin = (error: Error): { close(): Promise<void> } => {
    log.warn({ reason: error.message }, 'no /healthz and /metrics')
    return { close: () => Promise.resolve() }
  }
  const opening = startAdmin({
    listen: settings.registrarAdmin,
    health: () => ({
      ok: sidekick.isReady && session.valid(),
      detail: { ready: sidekick.isReady, session: session.valid() },
    }),
    metrics: metrics.registry,
  })
  const admin = await listening('registrarAdmin', opening).catch(withoutAdmin)
  void session.start()
  informer.start()
  const ending = new AbortController()
  const running = sidekick.run(ending.signal)
  log.info({ app: settings.app, endpoint: settings.endpoint }, 'sidekick is up')

  return {
    log,
    farewell: 'sidekick ends and unregisters its process',
    stop: async () => {
      ending.abort()
      await Promise.allSettled([running, admin.close()])
      publication.stop()
      informer.stop()
      await session.stop()
      store.close()
    },
  }
}
