import type { ContainerCreateOptions } from 'dockerode'
import type { ContainerRequest } from '../model/container.ts'

/**
 * What of Docker's default capabilities no app of the web needs: to forge packets (an app could take its neighbours'
 * address on the bridge and read their requests), to make device files, to write the kernel's audit log.
 */
const DROPPED = ['NET_RAW', 'MKNOD', 'AUDIT_WRITE']

/**
 * The engine's request for a container of ours, built field by field. Nothing of an App reaches privileges, mounts,
 * devices, capabilities or namespaces: there is no way to merge anything into it. Restart policy is `no`, since
 * only a claim's holder may start an instance; Docker would resurrect what was put to sleep.
 */
export function createBody(request: ContainerRequest): ContainerCreateOptions & { name: string } {
  const { app } = request
  const port = `${app.port}/tcp`
  const environment = { PORT: String(app.port), ...app.env }
  return {
    name: request.name,
    Image: app.image,
    ...(app.command && { Cmd: [...app.command] }),
    Env: Object.entries(environment).map(([name, value]) => `${name}=${value}`),
    Labels: { ...request.labels },
    ExposedPorts: { [port]: {} },
    StopTimeout: app.stopTimeout,
    HostConfig: {
      PortBindings: { [port]: [{ HostIp: request.publish, HostPort: '' }] },
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
    },
  }
}
