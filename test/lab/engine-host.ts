import { existsSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import Docker from 'dockerode'
import { cgroupOf, makeCgroups } from './cgroup.ts'
import type { LabEngine } from './engine.ts'
import { containerdConfig, containerdSocket, dockerdConfig } from './engine-config.ts'
import { loadImages } from './image.ts'
import { addressOf, makeNetwork, networkOf, plug } from './network.ts'
import { type Part, startPart } from './part.ts'
import type { Run } from './run.ts'

/**
 * Starts the run's Docker engine on a host of its own: a network and a mount namespace with its own
 * containerd and dockerd, so that nothing is shared with an engine this machine may have.
 * Needs root. Everything it makes is found and removed by the run's sweep.
 */
export async function startEngine(run: Run): Promise<LabEngine> {
  if (process.getuid?.() !== 0) throw new Error('the lab starts a Docker engine: run as root')
  const folder = join(run.folder, 'engine-1')
  const address = addressOf(run, 11)
  await mkdir(folder)
  await makeCgroups(run)
  await makeNetwork(run)
  const host = await startHost(run)
  await plug(run, { name: '1', address }, host.pid)
  await startContainerd(run, host, folder)
  const url = await startDockerd(run, host, folder)
  const engine = { url, address }
  await loadImages(engine.url)
  await writeFile(join(run.folder, 'engine.json'), JSON.stringify(engine))
  return engine
}

/**
 * The process that stands for the host: its namespaces are the host's. It sits in the run's cgroup and so does
 * all that starts from it. Its own /run/containerd keeps the shims' sockets from the machine's.
 */
async function startHost(run: Run): Promise<Part> {
  const script = [
    `echo $$ >${cgroupOf(run).daemons}/cgroup.procs`,
    'mkdir -p /run/containerd',
    'exec unshare --net --mount --propagation private sh -c "',
    '  mount -t tmpfs tmpfs /run/containerd && echo up && exec sleep infinity"',
  ].join('\n')
  const host = await startPart('sh', ['-e', '-c', script])
  await host.until(async () => host.output.includes('up'))
  return host
}

/** A daemon of the host: in its namespaces and in the run's cgroup. */
function startDaemon(run: Run, host: Part, ...args: string[]): Promise<Part> {
  const script = `echo $$ >${cgroupOf(run).daemons}/cgroup.procs; exec "$@"`
  const enter = ['nsenter', '--target', `${host.pid}`, '--net', '--mount']
  return startPart('sh', ['-e', '-c', script, 'sh', ...enter, ...args])
}

async function startContainerd(run: Run, host: Part, folder: string): Promise<void> {
  const config = join(folder, 'containerd.toml')
  await writeFile(config, containerdConfig(folder))
  const containerd = await startDaemon(run, host, 'containerd', '--config', config)
  await containerd.until(async () => existsSync(containerdSocket(folder)))
}

async function startDockerd(run: Run, host: Part, folder: string): Promise<string> {
  const config = join(folder, 'daemon.json')
  const settings = dockerdConfig({
    folder,
    number: 0,
    cgroup: `${cgroupOf(run).path}/containers`,
    registries: [`${networkOf(run).gateway}/32`],
  })
  await writeFile(config, JSON.stringify(settings))
  const dockerd = await startDaemon(run, host, 'dockerd', '--config-file', config)
  const url = `unix://${folder}/docker.sock`
  const docker = new Docker({ socketPath: url.slice('unix://'.length) })
  await dockerd.until(async () => (await docker.ping()).toString() === 'OK', 60_000)
  return url
}
