import type { ContainerCreateOptions } from 'dockerode'
import type { ContainerRequest } from '../model/container.ts'
import { networkName } from '../model/group.ts'
import { APP_LABEL } from '../model/label.ts'
import { canonical } from '../model/name.ts'
import { NETWORK_LABEL, type Network, SANDBOX_LABEL, sandboxName } from '../model/network.ts'
import { SANDBOX_IMAGE } from './sandbox-image.ts'

/** The fields of a request that say whose network a container has. */
interface Networking {
  labels: Record<string, string>
  fields: Pick<ContainerCreateOptions, 'Hostname' | 'ExposedPorts' | 'NetworkingConfig'>
  host: Pick<NonNullable<ContainerCreateOptions['HostConfig']>, 'PortBindings' | 'NetworkMode'>
}

/** A network of its own, with the app's port published at a port that the engine chooses. */
function ownNetwork({ app, publish }: ContainerRequest): Networking {
  const port = `${app.port}/tcp`
  return {
    labels: {},
    fields: {
      // What people made by the spawner's API before finds its own name there.
      ...(app.origin && { Hostname: app.name }),
      ExposedPorts: { [port]: {} },
      ...(app.group !== undefined && { NetworkingConfig: aliases(app.name, app.group) }),
    },
    host: {
      PortBindings: { [port]: [{ HostIp: publish, HostPort: '' }] },
      ...(app.group !== undefined && { NetworkMode: networkName(app.group) }),
    },
  }
}

/** The other members of the group find the app under its name. */
function aliases(app: string, group: string): ContainerCreateOptions['NetworkingConfig'] {
  return { EndpointsConfig: { [networkName(group)]: { Aliases: [canonical(app)] } } }
}

/**
 * The network of an app's container: engines take no ports, aliases and host name beside one that it shares.
 * @param sandbox id of the container that has its network, null if none has
 */
export function networkOf(request: ContainerRequest, sandbox: string | null): Networking {
  const shared = (network: Network, NetworkMode: string): Networking => ({
    labels: { [NETWORK_LABEL]: network },
    fields: {},
    host: { NetworkMode },
  })
  if (sandbox !== null) return shared('sandbox', `container:${sandbox}`)
  return request.network === 'host' ? shared('host', 'host') : ownNetwork(request)
}

/** Bytes. It uses a few pages; what starts it on the engine's side needs more. */
const MEMORY = 16 * 1024 ** 2

/**
 * The engine's request for the sandbox of a container. It may do nothing at all, and needs to: it waits. An
 * engine that starts again does not start it: it would start those of all that sleeps before it answers anybody. The next
 * start of the app does. The engine does not wait for it to end: it would ignore any other signal.
 */
export function sandboxBody(
  request: ContainerRequest,
): ContainerCreateOptions & { name: string; StopSignal: string } {
  const { fields, host } = ownNetwork(request)
  const { [APP_LABEL]: app = '', 'reveille.slot': slot = '0' } = request.labels
  return {
    name: sandboxName(request.name),
    Image: SANDBOX_IMAGE,
    User: '65534:65534',
    StopSignal: 'SIGKILL',
    Labels: { [APP_LABEL]: app, 'reveille.slot': slot, [SANDBOX_LABEL]: request.name },
    ...fields,
    HostConfig: {
      ...host,
      PublishAllPorts: false,
      RestartPolicy: { Name: 'no' },
      AutoRemove: false,
      Memory: MEMORY,
      MemorySwap: MEMORY,
      PidsLimit: 16,
      SecurityOpt: ['no-new-privileges'],
      CapDrop: ['ALL'],
      ReadonlyRootfs: true,
      Privileged: false,
      IpcMode: 'none',
      LogConfig: { Type: 'none', Config: {} },
    },
  }
}
