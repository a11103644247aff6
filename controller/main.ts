import { mkdir, readFile } from 'node:fs/promises'
import { hostname } from 'node:os'
import { join, resolve } from 'node:path'
import { receiveDatagrams } from '../adapters/activity.ts'
import { startAdmin } from '../adapters/admin.ts'
import { openSigner } from '../adapters/cookie.ts'
import { connect } from '../adapters/etcd.ts'
import { etcdOptions } from '../adapters/etcd-settings.ts'
import { ReplacedFile } from '../adapters/files.ts'
import { Informer } from '../adapters/informer.ts'
import { listening } from '../adapters/listening.ts'
import { createLog, type Logger } from '../adapters/log.ts'
import { controllerMetrics } from '../adapters/metrics.ts'
import { fileLimit, workerUser } from '../adapters/nginx.ts'
import { openDoor } from '../adapters/nginx-door.ts'
import { liveMode, liveProgram } from '../adapters/nginx-live.ts'
import { openProxy, templatePath } from '../adapters/proxy.ts'
import { type Running, serve } from '../adapters/serve.ts'
import { Session } from '../adapters/session.ts'
import { watchFiles } from '../adapters/watch.ts'
import { Keys } from '../model/key.ts'
import { PROXIES } from '../model/setting/proxy.ts'
import type { Settings } from '../model/setting.ts'
import { Activity } from './activity.ts'
import { nearest } from './address.ts'
import { Controller } from './controller.ts'
import { Flights } from './flight.ts'
import { gistOf } from './gist.ts'
import { Kept } from './kept.ts'
import { LiveTable } from './live.ts'
import { Memory } from './memory.ts'
import type { Surroundings } from './plan.ts'
import { policyOf } from './policy.ts'
import { QUOTES } from './quote.ts'
import { readingOf, refuseAccessLog } from './reading.ts'
import { GatewayRecord } from './record.ts'
import { Runtime } from './runtime.ts'

/** Runs a controller until the process is told to end. Resolves once it follows etcd's changes, or tries to. */
export function run(settings: Settings): Promise<void> {
  return serve('controller', [open], settings)
}

/** Starts a controller that says so. */
export async function open(settings: Settings): Promise<Running> {
  const log = createLog('controller', settings.logLevel)
  const { stop } = await start(settings, log)
  log.info({ listen: settings.listen, admin: settings.controllerAdmin }, 'controller is up')
  return { log, farewell: 'controller ends, the proxy goes on', stop }
}

/** Starts a controller in this process. */
export async function start(settings: Settings, log: Logger): Promise<{ stop(): Promise<void> }> {
  refuseAccessLog(settings)
  const metrics = controllerMetrics(() => flights.look())
  const id = settings.id ?? hostname()
  const keys = new Keys(settings.prefix)
  const store = connect(etcdOptions(settings))
  const gatewayKey = keys.named('gateway', id)
  const record = new GatewayRecord(store, gatewayKey, ({ message }) =>
    log.debug({ reason: message }, 'record of this gateway not written yet'),
  )
  const session = new Session(store, settings.leaseTtl, {
    onLease: (lease) => record.renew(lease),
    log,
  })
  if (settings.networks.length === 0)
    log.warn('no networks are given: instances are routed to nowhere, see --networks')

  const folder = resolve(settings.runDir, settings.proxy)
  await mkdir(folder, { recursive: true })
  const proxy = openProxy(settings, folder, nearest(settings.listen))
  const { tell } = proxy
  const around = await surroundings(settings, folder, await modulesOf(settings, folder, log))
  const door = around.live === '' ? null : await openDoor(folder)
  const policy = policyOf(settings)
  const controller = new Controller({
    id,
    keys,
    policy,
    surroundings: around,
    leaseTtl: settings.leaseTtl,
    template: () => readFile(templatePath(settings), 'utf8'),
    quote: QUOTES[settings.proxy],
    live: door && new LiveTable(door, snapshot(folder, log)),
    lua: door ? liveProgram() : '',
    files: new ReplacedFile(
      resolve(settings.output || join(settings.runDir, PROXIES[settings.proxy])),
      // Signatures are for nobody but the proxy.
      settings.cookieKeyFile === '' ? 0o644 : 0o640,
    ),
    proxy,
    watch: (onChange) => watchFiles([templatePath(settings), proxy.pidFile], onChange),
    ...(tell && {
      runtime: new Runtime({
        tell,
        onFailure: ({ message }) =>
          log.info({ reason: message }, 'servers are changed by a reload instead'),
      }),
    }),
    confirm: settings.confirm === 'on',
    // Blueprints are in it with their environments: for this user alone.
    memory: new Memory(new ReplacedFile(resolve(settings.runDir, 'routes.json')), ({ message }) =>
      log.warn({ reason: message }, 'what runs is not remembered over a restart'),
    ),
    record,
    log,
    meters: metrics,
  })
  const flights = new Flights({
    count: async () => (door ? door.flight() : ''),
    endpoints: () => controller.endpoints,
  })
  await controller.start()

  const kinds = ['endpoint', 'launcher', 'app', 'blueprint', 'pool'] as const
  const informer = new Informer(
    store,
    kinds.map((kind) => keys.folder(kind)),
    {
      onChange: (batch, revision) => controller.change(batch, revision),
      gist: gistOf(keys, policy),
      log,
    },
  )
  const activity = new Activity({
    store,
    key: (app) => keys.named('activity', app),
    routed: (app) => controller.endpoints.has(app),
    onReport: () => metrics.activity.inc(),
  })
  const report = (text: string): void => activity.report(text)
  const datagrams = await listening(
    'activityListen',
    receiveDatagrams(settings.activityListen, report),
  )
  const opening = startAdmin({
    listen: settings.controllerAdmin,
    metrics: metrics.registry,
    health: () => ({
      ok: informer.connected && controller.status.failure === null,
      detail: {
        id,
        etcd: informer.connected ? 'followed' : 'lost',
        generation: controller.generation,
        applied: controller.status.applied,
        ...(controller.status.failure !== null && { failure: controller.status.failure }),
      },
    }),
  })
  const admin = await listening('controllerAdmin', opening)
  informer.start()
  void session.start()

  return {
    stop: async () => {
      informer.stop()
      activity.stop()
      datagrams.close()
      record.stop()
      await Promise.allSettled([controller.stop(), session.stop(), admin.close()])
      store.close()
    },
  }
}

/** What nginx reads when it starts. Signatures of cookies are in it: for this user alone, as whom nginx begins. */
function snapshot(folder: string, log: Logger): Kept {
  return new Kept(new ReplacedFile(join(folder, 'table')), ({ message }) =>
    log.warn({ reason: message }, 'the table of routes is not kept over a restart of nginx'),
  )
}

/** '' where routes are in the configuration. Throws a readable Error if that was not to be. */
async function modulesOf(settings: Settings, folder: string, log: Logger): Promise<string> {
  const { modules, reason, mend } = await liveMode(settings, folder)
  if (settings.live === 'on' && modules === '')
    throw new Error(`--live on cannot be: ${reason}. ${mend}`.trim())
  if (settings.live === 'auto' && modules === '' && settings.proxy === 'nginx')
    log.info({ reason, ...(mend && { mend }) }, 'apps that come and go cost a reload of nginx')
  if (modules === '' && settings.silentSockets < 3600)
    log.warn({ reason }, 'WebSockets may be silent for an hour: --silent-sockets needs live routes')
  return modules
}

async function surroundings(
  settings: Settings,
  folder: string,
  modules: string,
): Promise<Surroundings> {
  const files = Math.min(65_536, await fileLimit())
  return {
    launchers: settings.launchers.map(nearest),
    listen: settings.listen,
    activity: nearest(settings.activityListen),
    holdTimeout: settings.holdTimeout,
    accessLog: settings.accessLog,
    silentSockets: settings.silentSockets,
    ...readingOf(settings, openSigner(settings.cookieKeyFile)),
    live: modules,
    folder,
    user: process.getuid?.() === 0 ? await workerUser() : '',
    connections: Math.min(16_384, Math.floor(files / 2)),
    files,
  }
}
