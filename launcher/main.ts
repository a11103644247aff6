import { hostname } from 'node:os'
import { cookieOf, isSignedCookie, readCookieKey } from '../adapters/cookie.ts'
import { openOwn } from '../adapters/docker-open.ts'
import { engineAccess } from '../adapters/docker-settings.ts'
import { connect } from '../adapters/etcd.ts'
import { etcdOptions } from '../adapters/etcd-settings.ts'
import { openHook } from '../adapters/hook.ts'
import { Informer } from '../adapters/informer.ts'
import { revisionAt } from '../adapters/launcher-health.ts'
import { listening } from '../adapters/listening.ts'
import { createLog } from '../adapters/log.ts'
import { launcherMetrics } from '../adapters/metrics.ts'
import { checkPassword } from '../adapters/password.ts'
import { Probe } from '../adapters/probe.ts'
import { type Running, serve } from '../adapters/serve.ts'
import { Session } from '../adapters/session.ts'
import { readPages } from '../adapters/templates.ts'
import { openToken } from '../adapters/token.ts'
import { isExposed, readUsers } from '../adapters/user-file.ts'
import { parseEndpoint } from '../model/endpoint.ts'
import { Keys } from '../model/key.ts'
import type { Settings } from '../model/setting.ts'
import { State } from '../model/state.ts'
import { buildApi } from './api/api.ts'
import { Catalog, KINDS } from './catalog.ts'
import { deadline } from './deadline.ts'
import { Engines, isOpen, OPEN } from './engine.ts'
import { createLauncher } from './launcher.ts'
import { Others } from './others.ts'
import { policyOf } from './policy.ts'
import { Registration } from './register.ts'
import { buildSpawner } from './spawner/spawner.ts'
import { openUsers } from './spawner/users.ts'
import { wayTo } from './spawner/way-to.ts'

/** How long an instance, or etcd about it, may take until it counts as dead, milliseconds. */
const CONNECT = 1_000

/**
 * An engine is given up 3 s after its last sign of life and used again 1 s after the next. Pulls and the like get more:
 * what they cost to begin anew may be minutes.
 */
const PACE = { every: 750, rest: 3_000, limit: 1_000, misses: 2, unsure: 2, long: 10_000 }
const NEVER = new AbortController().signal

/** Runs a launcher until the process is told to end. Resolves once both its ports answer. */
export function run(settings: Settings): Promise<void> {
  return serve('launcher', [open], settings)
}

/** Starts a launcher. */
export async function open(settings: Settings): Promise<Running> {
  const log = createLog('launcher', settings.logLevel)
  const metrics = launcherMetrics()
  const id = settings.id ?? hostname()
  const keys = new Keys(settings.prefix)
  const key = readCookieKey(settings.cookieKeyFile)
  const { token, path, exposed } = await openToken(settings.stateDir)
  if (exposed) log.warn({ path }, 'other users can read the API token')

  const catalog = new Catalog(new State(keys, policyOf(settings)), keys, (rejection) =>
    log.warn(rejection, 'an entry in etcd has no effect'),
  )
  const store = connect(etcdOptions(settings))
  const address = settings.wakeAdvertise ?? settings.wakeListen
  const registration = new Registration({ keys, store, id, address, log })
  const session = new Session(store, settings.leaseTtl, {
    onLease: (lease) => void registration.renew(lease),
    log,
  })
  let synced = false
  const informer = new Informer(
    store,
    KINDS.map((kind) => keys.folder(kind)),
    {
      onChange: (batch, revision) => {
        catalog.apply(batch, revision)
        registration.watch(batch)
      },
      log,
    },
  )
  const health = () => ({
    ok: synced && session.valid(),
    detail: {
      id,
      synced,
      connected: informer.connected,
      session: session.valid(),
      revision: String(catalog.revision),
    },
  })

  const access = engineAccess(settings)
  const engines = new Engines((url) => {
    if (isOpen(url, Boolean(access.tls))) log.warn({ engine: url }, OPEN)
    return openOwn(url, { ...access, pace: PACE })
  })
  const probe = new Probe(false)
  const hook = openHook(settings.available)
  const launcher = createLauncher({
    id,
    catalog,
    store,
    session,
    earlier: () => registration.earlier,
    engines,
    reach: {
      connect: (endpoint) => probe.tcp(endpoint, CONNECT, NEVER),
      read: (key) => deadline(CONNECT, () => store.get(key)),
    },
    hook,
    templates: readPages(),
    isSigned: key === null ? null : (app, cookie) => isSignedCookie(key, app, cookie),
    meter: {
      wake: (result) => metrics.wakes.inc({ result }),
      lap: (phase, ms) => metrics.phaseSeconds.observe({ phase }, ms / 1000),
      ask: (answer) => metrics.asks.inc({ answer }),
    },
    log,
    health,
    synced: informer.synced,
    settings,
  })
  // A gauge of what is true when it is read needs no keeping up to date.
  Object.assign(metrics.held, { collect: () => metrics.held.set(launcher.held()) })
  const shared = {
    ...{ hosts: settings.apiHosts, registries: settings.registries },
    hostNetwork: settings.hostNetwork,
    ...{ drainTimeout: settings.drainTimeout, id, catalog, store, session, engines, log },
    others: new Others({ id, catalog, ask: revisionAt }),
    synced: informer.synced,
    control: launcher.control,
  }
  const api = buildApi({
    ...shared,
    listen: settings.apiListen,
    token,
    onSleep: (result) => metrics.sleeps.inc({ result }),
    health,
    metrics: metrics.registry,
  })
  const users = await openUsers(settings, { readUsers, isExposed }, log)
  const spawner =
    settings.spawner === undefined
      ? null
      : buildSpawner({
          ...{ ...shared, listen: settings.spawner },
          login: { users, check: checkPassword },
          wayTo: (name) => wayTo(name, settings, cookieOf(key, name)),
        })

  informer.start()
  // Not awaited: a launcher that starts before etcd answers says so on its ports and goes on by itself.
  const started = informer.synced.then(() => {
    synced = true
    launcher.start()
    return session.start()
  })
  started.catch((error: unknown) => log.error({ error: String(error) }, 'could not begin'))
  const { wakeListen: wake, apiListen, spawner: deploy } = settings
  await listening('wakeListen', launcher.server.listen(listenOptions(wake)))
  await listening('apiListen', api.listen(listenOptions(apiListen)))
  if (spawner) await listening('spawner', spawner.listen(listenOptions(deploy ?? '')))
  log.info({ id, wake, api: apiListen, ...(deploy && { spawner: deploy }) }, 'launcher is up')

  return {
    log,
    farewell: 'launcher ends',
    stop: async () => {
      registration.end()
      launcher.end()
      await Promise.allSettled([
        launcher.server.close(),
        api.close(),
        spawner?.close(),
        session.stop(),
        hook?.close(),
      ])
      informer.stop()
      store.close()
    },
  }
}

function listenOptions(text: string): { host: string; port: number; backlog: number } {
  const endpoint = parseEndpoint(text)
  if (!endpoint) throw new Error(`${text} is not an address:port`)
  return { ...endpoint, backlog: 4096 }
}
