import { chmod, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { Writable } from 'node:stream'
import { pino } from 'pino'
import { connect, type Store } from '../../adapters/etcd.ts'
import { loadSettings } from '../../adapters/settings.ts'
import { start } from '../../controller/main.ts'
import type { Gateway } from '../../model/record.ts'
import { PROXIES } from '../../model/setting/proxy.ts'
import type { Settings } from '../../model/setting.ts'
import { type LabEtcd, startEtcd } from '../lab/etcd.ts'
import { temporaryFolder } from '../lab/folder.ts'
import { gatewayText } from '../lab/gateway-text.ts'
import { type LabHaproxy, startHaproxy } from '../lab/haproxy.ts'
import { type LabNginx, startNginx } from '../lab/nginx.ts'
import { freePort } from '../lab/port.ts'
import { isHaproxy, isLive } from '../templates/gateway.ts'

export interface LogLine {
  level: string
  msg: string
  [field: string]: unknown
}

/** What is in `routes()` if requests by its name are led to this app. */
export const routeOf = (app: string) => (isLive ? `\n${app}\tn` : `"/${app}" "app_${app}"`)

/** A controller with its real etcd and nginx, all parts to be stopped and started by a test. */
export interface LabController {
  readonly origin: string
  readonly etcd: LabEtcd
  readonly store: Store
  readonly settings: Settings
  readonly folder: string
  /** path of the running configuration */
  readonly file: string
  /** everything logged so far */
  readonly lines: LogLine[]
  nginx: LabNginx | LabHaproxy
  startController(): Promise<void>
  stopController(): Promise<void>
  startNginx(): Promise<void>
  /** the record of this gateway, null while there is none */
  record(): Promise<Gateway | null>
  configuration(): Promise<string>
  /** all that says which apps run: the configuration, and what nginx has in its memory besides */
  routes(): Promise<string>
  /** Puts the address of a backend under slot 0 of `app`. */
  put(app: string, address: string): Promise<string>
  stop(): Promise<void>
}

/**
 * Starts etcd, a controller with these settings over sensible ones, and, once there is a file, nginx. `beside`: the
 * gateway whose etcd this one shares; it is to be stopped after this one.
 */
export async function startControllerLab(
  change: (folder: string) => Promise<Partial<Settings>> | Partial<Settings> = () => ({}),
  beside?: LabController,
): Promise<LabController> {
  const folder = await temporaryFolder()
  await chmod(folder, 0o755) // nginx's workers are another user
  const [etcd, listen, admin, activity] = await Promise.all([
    beside?.etcd ?? startEtcd(),
    freePort(),
    freePort(),
    freePort(),
  ])
  const settings: Settings = {
    ...loadSettings({}, {}),
    id: 'gateway-1',
    etcd: [etcd.url],
    networks: ['127.0.0.0/8', '10.9.0.0/16', 'fd00:9::/64'],
    listen: `127.0.0.1:${listen}`,
    controllerAdmin: `127.0.0.1:${admin}`,
    activityListen: `127.0.0.1:${activity}`,
    runDir: folder,
    leaseTtl: 3,
    proxy: isHaproxy ? 'haproxy' : 'nginx',
    live: isLive ? 'on' : 'off',
    ...(await change(folder)),
  }
  const store = connect({ urls: [etcd.url] })
  const lines: LogLine[] = []
  const log = pino(
    { level: 'debug', formatters: { level: (label) => ({ level: label }) } },
    new Writable({
      write(chunk: Buffer, _encoding, done) {
        lines.push(JSON.parse(chunk.toString()) as LogLine)
        done()
      },
    }),
  )
  const file = settings.output || join(folder, PROXIES[settings.proxy])
  let controller: { stop(): Promise<void> } | null = null
  const lab: LabController = {
    origin: `http://${settings.listen}`,
    etcd,
    store,
    settings,
    folder,
    file,
    lines,
    nginx: undefined as unknown as LabNginx,
    startController: async () => {
      controller = await start(settings, log)
    },
    stopController: async () => {
      await controller?.stop()
      controller = null
    },
    startNginx: async () => {
      lab.nginx = await (settings.proxy === 'haproxy' ? startHaproxy : startNginx)(file)
    },
    record: async () => {
      const entry = await store.get(`/services/gateways/${settings.id}`)
      return entry && (JSON.parse(entry.value) as Gateway)
    },
    configuration: () => readFile(file, 'utf8'),
    routes: () => gatewayText(file),
    put: (app, address) => store.put(`/services/clusters/${app}`, address),
    stop: async () => {
      await lab.stopController()
      store.close()
      await lab.nginx?.stop()
      if (!beside) await etcd.stop()
      await rm(folder, { recursive: true, force: true })
    },
  }
  await lab.startController()
  await lab.startNginx()
  return lab
}
