import { join } from 'node:path'

/** Where containerd listens. */
export const containerdSocket = (folder: string) => join(folder, 'containerd.sock')

const snapshotter = (name: string) => `snapshotter.v1.${name}`

/** Configuration of a containerd that keeps everything in `folder`, its images and snapshots in `data`. */
export function containerdConfig(folder: string, data = folder): string {
  const unused = ['grpc.v1.cri', ...['btrfs', 'zfs', 'devmapper', 'aufs'].map(snapshotter)]
  return `version = 2
root = "${data}/containerd"
state = "${folder}/containerd-state"
disabled_plugins = [${unused.map((name) => `"io.containerd.${name}"`).join(', ')}]
[grpc]
  address = "${containerdSocket(folder)}"
[ttrpc]
  address = "${containerdSocket(folder)}.ttrpc"
[debug]
  level = "warn"
`
}

export interface Dockerd {
  /** where it keeps everything that is its own */
  folder: string
  /** images and containers; below `folder` unless given */
  data?: string
  /** cgroup its containers go to */
  cgroup: string
  /** 0 to 99, tells its containers' addresses from those of other engines */
  number: number
  /** the registry of the tests, which speaks plain HTTP */
  registries: string[]
}

/** Configuration of a dockerd on that containerd. `deprecated-key-path` gives it an ID of its own. */
export function dockerdConfig({ folder, data, cgroup, number, registries }: Dockerd) {
  return {
    hosts: [`unix://${folder}/docker.sock`],
    containerd: containerdSocket(folder),
    'data-root': join(data ?? folder, 'data'),
    'exec-root': join(folder, 'exec'),
    pidfile: join(folder, 'dockerd.pid'),
    'deprecated-key-path': join(folder, 'key.json'),
    bip: `172.${20 + number}.0.1/16`,
    'default-address-pools': [{ base: `10.${150 + number}.0.0/16`, size: 24 }],
    'insecure-registries': registries,
    'userland-proxy': false,
    'live-restore': true,
    'log-driver': 'local',
    'exec-opts': ['native.cgroupdriver=cgroupfs'],
    'cgroup-parent': cgroup,
    'shutdown-timeout': 2,
  }
}
