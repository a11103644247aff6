import { link, readFile, rm } from 'node:fs/promises'
import { appContainers } from '../lab/containers.ts'
import type { LabFleet, LabHost } from '../lab/fleet/fleet.ts'
import { gatewayText, isWritten, liveTable } from '../lab/gateway-text.ts'
import { processTable } from '../lab/process-table.ts'
import { ask } from '../system/client.ts'
import { type Picture, readRoutes } from './agreement.ts'
import { etcdctl } from './etcdctl.ts'
import { type Footprint, type Usage, usage } from './footprint.ts'
import type { Mode, Subject } from './oracle.ts'

const ENDPOINTS = '/services/clusters/'
/** Our own; etcd and the engines are whatever they are. */
const OURS = new Set(['registrar', 'controller', 'launcher', 'nginx'])
/** Seconds, as the launchers and controllers have it unless told otherwise. */
const HOLD_TIMEOUT = 60

/** The lab's fleet as the oracle sees it: by sockets and files, which no fault of the network cuts. */
export async function subjectOf(fleet: LabFleet): Promise<Subject> {
  const gateways = await Promise.all(
    fleet.gateways.map(async ({ name, origin, nginx }) => ({
      ...{ name, origin, pid: nginx.pid },
      file: await configurationOf(nginx.pid),
    })),
  )
  const mode = await modeOf(gateways.map(({ file }) => file))
  const engines = await Promise.all(
    fleet.hosts.map(async (host) => ({ host: host.name, socket: await secondDoor(host) })),
  )
  return {
    ...{ gateways, mode, engines, holdTimeout: HOLD_TIMEOUT },
    picture: () => takePicture(fleet, gateways),
    footprint: () => takeFootprint(fleet),
  }
}

/** What a running nginx was told to read. */
async function configurationOf(pid: number): Promise<string> {
  const words = (await readFile(`/proc/${pid}/cmdline`, 'utf8')).split('\0')
  // A master writes its title over its words: one text then.
  const file = /-c[ \0](\S+)/.exec(words.join(' '))?.[1]
  if (file === undefined) throw new Error(`nginx ${pid} was given no -c: ${words.join(' ')}`)
  return file
}

/** Throws if not all are alike: what is demanded of them differs. */
async function modeOf(files: readonly string[]): Promise<Mode> {
  const tables = await Promise.all(files.map(liveTable))
  const live = tables.filter((table) => table !== null).length
  if (live > 0 && live < files.length) throw new Error('some gateways are live and some reload')
  return live > 0 ? 'live' : 'reload'
}

/** Another name of the engine's socket: a fault may put a broken line in the place of the first. */
async function secondDoor({ socket }: LabHost): Promise<string> {
  const path = socket.replace('unix://', '')
  const door = `${path}.oracle`
  await rm(door, { force: true })
  await link(path, door)
  return door
}

/** Endpoints in etcd by `<app>/<slot>`, app in lower case. */
export async function endpointsOf({ etcd }: LabFleet): Promise<Map<string, string>> {
  const { entries } = await etcd.list(ENDPOINTS)
  return new Map(
    entries.map(({ key, value }) => {
      const [app = '', slot = '0'] = key.slice(ENDPOINTS.length).split('/')
      return [`${app.toLowerCase()}/${slot}`, value]
    }),
  )
}

/** What each gateway routes, by what it has on disk. */
export async function routesOf(
  gateways: readonly { name: string; file: string }[],
): Promise<Map<string, Map<string, string[]>>> {
  const texts = await Promise.all(
    gateways.map(async ({ name, file }) => [name, await gatewayText(file)] as const),
  )
  return new Map(texts.map(([name, text]) => [name, readRoutes(text)]))
}

/** Gateways whose table in memory is another one than that on disk: one of the two is not what etcd says. */
async function gatewaysBehind(gateways: Subject['gateways']): Promise<string[]> {
  const behind = gateways.map(async ({ name, file }) => {
    const table = await liveTable(file)
    return table === null || (await isWritten(table)) ? [] : [name]
  })
  return (await Promise.all(behind)).flat()
}

/** Running containers of ours on a host. */
export async function runningOn({
  name,
  address,
  docker,
}: LabHost): Promise<Picture['containers']> {
  const found = await appContainers(docker)
  return found.map(({ Labels: labels, Ports: ports }) => {
    const port = ports.find(({ PublicPort }) => PublicPort !== undefined)?.PublicPort
    return {
      app: labels['reveille.app'] ?? '',
      slot: Number(labels['reveille.slot'] ?? 0),
      ...{ host: name, address: `${address}:${port}` },
    }
  })
}

async function takePicture(fleet: LabFleet, gateways: Subject['gateways']): Promise<Picture> {
  const [routes, behind, endpoints, lists] = await Promise.all([
    routesOf(gateways),
    gatewaysBehind(gateways),
    endpointsOf(fleet),
    Promise.all(fleet.hosts.map(runningOn)),
  ])
  const containers = lists.flat()
  const asked = containers.map(async ({ app, address }) => {
    const answer = await ask(`http://${address}`, '/', { timeout: 5_000 }).catch(() => null)
    return answer?.status === 200 && JSON.parse(answer.text).app === app ? [address] : []
  })
  return {
    routes,
    behind,
    endpoints,
    containers,
    healthy: new Set((await Promise.all(asked)).flat()),
  }
}

async function takeFootprint(fleet: LabFleet): Promise<Footprint> {
  const processes = new Map<string, Usage>()
  const counts = new Map<string, number>()
  for (const machine of fleet.machines)
    for (const [name, process] of machine.processes) {
      const used = OURS.has(name) && process.isRunning ? await usage(process.pid) : null
      if (used) processes.set(`${name} ${machine.name}`, used)
    }
  await Promise.all([
    ...fleet.launchers.map(async ({ name, origin }) =>
      counts.set(`held requests of ${name}`, await metric(origin, 'reveille_held_requests')),
    ),
    ...fleet.hosts.map(async ({ name, docker }) =>
      counts.set(`containers on ${name}`, (await docker.listContainers({ all: true })).length),
    ),
    etcdctl(fleet, 'lease', 'list').then((text) =>
      counts.set('leases', text.split('\n').filter((line) => /^[0-9a-f]{8,}$/.test(line)).length),
    ),
    countWatchers(fleet).then((count) => counts.set('watchers', count)),
  ])
  const table = await processTable()
  for (const { name, nginx } of fleet.gateways)
    counts.set(
      `nginx workers of ${name}`,
      table.filter(({ parent }) => parent === nginx.pid).length,
    )
  return { processes, counts }
}

/** One number of /metrics; 0 where nothing answers, which another look tells. */
export async function metric(origin: string, name: string): Promise<number> {
  const answer = await ask(origin, '/metrics', { timeout: 5_000 }).catch(() => null)
  const line = answer?.text.split('\n').find((each) => each.startsWith(name))
  return Number(line?.split(' ').at(-1) ?? 0)
}

/** By gateway: how many configurations it was given. */
export function reloadsOf({ gateways }: LabFleet): Promise<number[]> {
  return Promise.all(
    gateways.map(({ address }) =>
      metric(`http://${address}:8092`, 'reveille_gateway_reloads_total{'),
    ),
  )
}

/** Watchers of all members, as their metrics say. */
async function countWatchers({ members, etcdctl: environment }: LabFleet): Promise<number> {
  const { ETCDCTL_CACERT: ca, ETCDCTL_CERT: cert, ETCDCTL_KEY: key } = environment
  const secure = ca && cert && key ? ['--cacert', ca, '--cert', cert, '--key', key] : []
  const texts = await Promise.all(
    members.map((member) =>
      member.exec('curl', '-sS', '-m', '5', ...secure, `${member.url}/metrics`),
    ),
  )
  return texts.reduce(
    (sum, text) => sum + Number(/^etcd_debugging_mvcc_watcher_total (\d+)/m.exec(text)?.[1] ?? 0),
    0,
  )
}
