import type { ContainerCreateOptions, MountSettings } from 'dockerode'
import type { App } from '../model/app.ts'
import type { ContainerRequest } from '../model/container.ts'
import { scopeOf, volumeName } from '../model/group.ts'
import { mountsOf } from '../model/volume.ts'
import { networkOf } from './docker-network.ts'

/**
 * What of Docker's default capabilities no app of the web needs: to forge packets (an app could take its neighbours'
 * address on the bridge and read their requests), to make device files, to write the kernel's audit log.
 */
const DROPPED = ['NET_RAW', 'MKNOD', 'AUDIT_WRITE']

/**
 * The engine's request for a container of ours, built field by field. Nothing of an App reaches privileges, paths of
 * the host, devices, capabilities or namespaces: there is no way to merge anything into it. Restart policy is `no`,
 * since only a claim's holder may start an instance; Docker would resurrect what was put to sleep.
 * @param sandbox id of the container whose network it has, null if it has one of its own or the host's
 */
export function createBody(
  request: ContainerRequest,
  sandbox: string | null = null,
): ContainerCreateOptions & { name: string } {
  const { app } = request
  const { labels, fields, host } = networkOf(request, sandbox)
  const environment = { PORT: String(app.port), ...app.env }
  return {
    name: request.name,
    Image: app.image,
    ...(app.command && { Cmd: [...app.command] }),
    Env: Object.entries(environment).map(([name, value]) => `${name}=${value}`),
    Labels: { ...request.labels, ...labels },
    ...fields,
    StopTimeout: app.stopTimeout,
    HostConfig: {
      ...host,
      PublishAllPorts: false,
      RestartPolicy: { Name: 'no' },
      AutoRemove: false,
      Memory: app.limits.memory,
      MemorySwap: app.limits.memory,
      NanoCpus: Math.round(app.limits.cpus * 1e9),
      PidsLimit: app.limits.pids,
      SecurityOpt: ['no-new-privileges'],
      CapDrop: DROPPED,
      Privileged: false,
      Init: true,
      LogConfig: { Type: 'local', Config: { 'max-size': '10m' } },
      ...(app.volumes.length > 0 && { Mounts: mounts(app) }),
    },
  }
}

/** Volumes of the app's group or its own, never a path of the host. */
function mounts(app: App): MountSettings[] {
  const scope = scopeOf(app)
  return mountsOf(app.volumes).map(({ volume, path, readOnly }) => ({
    Type: 'volume',
    Source: volumeName(scope, volume),
    Target: path,
    ReadOnly: readOnly,
  }))
}
