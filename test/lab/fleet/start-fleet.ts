import { randomBytes } from 'node:crypto'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { connect, type Store } from '../../../adapters/etcd.ts'
import { makeCa, makeCertificate, readTls } from '../certificate.ts'
import { removeCgroups } from '../cgroup.ts'
import { copyImages, loadImages } from '../image.ts'
import { makeNetwork, networkOf, removeNetwork } from '../network.ts'
import { currentRun, type Run } from '../run.ts'
import type { FleetOptions } from './fleet.ts'
import { Gateway } from './gateway.ts'
import { Host } from './host.ts'
import { untilJoined } from './joined.ts'
import { LauncherHost } from './launcher-host.ts'
import { Machine } from './machine.ts'
import { Member } from './member.ts'
import { clearRemains } from './remains.ts'
import { type Machines, RunningFleet } from './running-fleet.ts'
import { ETCD_USER, KINDS, type Kind, memberUrls, placesOf, type Site } from './site.ts'
import { enableUsers, etcdctlOf } from './users.ts'

const DEFAULTS = {
  hosts: 3,
  members: 3,
  gateways: 2,
  launchers: 2,
  clients: 0,
  secure: false,
  leaseTtl: 10,
  engines: 'tls',
  images: loadImages,
  settings: {},
} as const

/** Whether this process has a fleet: a second one would take the first one's names. */
let isTaken = false

/**
 * Starts a fleet on the run's bridge; resolves when all of it is up and has found each other. One at a time in a run.
 * Needs root and the built program. Throws with the words of the part that does not come up; nothing is left then.
 */
export async function startFleet(options: FleetOptions = {}): Promise<RunningFleet> {
  if (process.getuid?.() !== 0) throw new Error('the lab starts Docker engines: run as root')
  if (isTaken) throw new Error('a fleet runs in this run of the lab already: stop it first')
  isTaken = true
  const site = await openSite(currentRun(), { ...DEFAULTS, ...options }).catch((error) => {
    isTaken = false
    throw error
  })
  const ownsNetwork = await makeNetwork(site.run)
  const machines = machinesOf(site)
  const etcd = connectTo(site)
  const fleet = new RunningFleet(site, machines, await etcd, async () => {
    ;(await etcd).close()
    await Promise.all(fleet.machines.map((machine) => machine.crash()))
    await clearRemains(site.run, site.folder)
    if (ownsNetwork) {
      await removeNetwork(site.run)
      await removeCgroups(site.run)
    }
    isTaken = false
  })
  try {
    await bringUp(site, machines)
    await untilJoined(fleet)
    return fleet
  } catch (error) {
    await fleet.stop()
    throw error
  }
}

async function openSite(run: Run, options: Site['options']): Promise<Site> {
  const folder = join(run.folder, 'fleet')
  await clearRemains(run, folder)
  await mkdir(folder)
  const kinds = Object.keys(KINDS) as Kind[]
  const machines = kinds.flatMap((kind) =>
    placesOf({ run, options }, kind).map(({ address }) => address),
  )
  // the last for proxies that a test puts in the way
  const addresses = [...machines, networkOf(run).gateway]
  const ca = await makeCa(folder)
  const [server, client] = await Promise.all([
    makeCertificate(folder, 'server', ca, ['127.0.0.1', ...addresses], 'serverAuth,clientAuth'),
    makeCertificate(folder, 'client', ca),
  ])
  const token = randomBytes(24).toString('base64url')
  return { run, folder, options, certificates: { ca, server, client }, token }
}

function machinesOf(site: Site): Machines {
  const make = <T>(
    kind: Kind,
    kindOf: new (site: Site, place: { name: string; address: string }) => T,
  ) => placesOf(site, kind).map((place) => new kindOf(site, place))
  return {
    hosts: make('hosts', Host),
    members: make('members', Member),
    gateways: make('gateways', Gateway),
    launchers: make('launchers', LauncherHost),
    clients: make('clients', Machine),
  }
}

async function connectTo(site: Site): Promise<Store> {
  const { secure } = site.options
  const { ca, client } = site.certificates
  return connect({
    urls: memberUrls(site),
    ...(secure && { ...ETCD_USER, tls: await readTls(ca, client) }),
  })
}

/** etcd and the engines side by side, then who needs them. */
async function bringUp(site: Site, machines: Machines): Promise<void> {
  await Promise.all(
    Object.values(machines)
      .flat()
      .map((machine: Machine) => machine.boot()),
  )
  const members = (async () => {
    await Promise.all(machines.members.map((member) => member.start()))
    if (site.options.secure) await enableUsers(etcdctlOf(site))
  })()
  await Promise.all([
    bringUpHosts(site, machines.hosts, members),
    members.then(() =>
      Promise.all([...machines.gateways, ...machines.launchers].map((machine) => machine.start())),
    ),
  ])
}

/** The first engine's images are made, the others' are copies. */
async function bringUpHosts(site: Site, hosts: Host[], members: Promise<void>): Promise<void> {
  const engines = hosts.map(async (host) => {
    await host.containerd.start()
    await host.dockerd.start()
  })
  const [first, ...others] = hosts
  const made = async () => {
    await engines[0]
    return first ? site.options.images(first.socket) : []
  }
  const [images] = await Promise.all([made(), ...engines])
  await Promise.all([
    members,
    ...others.map((other) => first && copyImages(images, first.socket, other.socket)),
  ])
  // Not before: a host that has registered without an image is chosen by nobody while another one has it.
  await Promise.all(hosts.map((host) => host.start()))
}
