import { createHash } from 'node:crypto'
import { join } from 'node:path'

/** Where an engine of our own keeps its things. */
export interface DockerdPlaces {
  /** images and stopped containers; kept */
  data: string
  /** sockets, state of what runs; gone at the end */
  run: string
  /** the engine's socket */
  socket: string
  containerd: string
  /** cgroup of all containers, as the engine names it */
  cgroup: string
  /** what was there before the engine was, to leave it like that */
  before: string
}

export function placesOf(stateDir: string, runDir: string): DockerdPlaces {
  const run = join(runDir, 'engine')
  return {
    data: join(stateDir, 'engine'),
    run,
    socket: join(runDir, 'docker.sock'),
    containerd: join(run, 'containerd.sock'),
    cgroup: `/reveille-${createHash('sha256').update(runDir).digest('hex').slice(0, 12)}`,
    before: join(run, 'before.json'),
  }
}

/**
 * daemon.json. Its own containerd and key, so that nothing is shared with an engine this machine may get later;
 * live-restore, so that apps go on while the daemon is restarted; no docker-proxy (docs/decisions/0005).
 */
export function dockerdConfig(places: DockerdPlaces): object {
  return {
    hosts: [`unix://${places.socket}`],
    containerd: places.containerd,
    'data-root': join(places.data, 'docker'),
    'exec-root': join(places.run, 'docker'),
    pidfile: join(places.run, 'dockerd.pid'),
    'deprecated-key-path': join(places.data, 'key.json'),
    'userland-proxy': false,
    'live-restore': true,
    'log-driver': 'local',
    'log-level': 'error', // it warns of what every kernel lacks
    'exec-opts': ['native.cgroupdriver=cgroupfs'],
    'cgroup-parent': places.cgroup,
  }
}

/** containerd's configuration, in TOML; a JSON string is a TOML string. */
export function containerdConfig(places: DockerdPlaces): string {
  const unused = [
    'grpc.v1.cri',
    ...['btrfs', 'zfs', 'devmapper', 'aufs'].map((name) => `snapshotter.v1.${name}`),
  ]
  return `version = 2
root = ${JSON.stringify(join(places.data, 'containerd'))}
state = ${JSON.stringify(join(places.run, 'containerd'))}
disabled_plugins = ${JSON.stringify(unused.map((name) => `io.containerd.${name}`))}
[grpc]
  address = ${JSON.stringify(places.containerd)}
[ttrpc]
  address = ${JSON.stringify(`${places.containerd}.ttrpc`)}
[debug]
  level = "error"
`
}
