import type { ContainerInfo, ContainerInspectInfo } from 'dockerode'
import type { Container, ForeignContainer } from '../model/container.ts'
import type { Endpoint } from '../model/endpoint.ts'

const STATES: ReadonlySet<string> = new Set<Container['state']>([
  'created',
  'running',
  'paused',
  'restarting',
  'removing',
  'exited',
  'dead',
])

function readState(state: string): Container['state'] {
  return STATES.has(state) ? (state as Container['state']) : 'dead'
}

/** Container name without the slash the engine puts before it. */
export const bare = (name = ''): string => name.replace(/^\//, '')

/** A container as a list has it: quick, takes no lock of a container, but knows no process id and no error text. */
export function fromSummary(info: ContainerInfo): Container {
  const health = /\((healthy|unhealthy|health: starting)\)/.exec(info.Status)?.[1]
  return {
    id: info.Id,
    name: bare(info.Names[0]),
    labels: info.Labels ?? {},
    state: readState(info.State),
    exitCode: Number(/^Exited \((\d+)\)/.exec(info.Status)?.[1] ?? 0),
    error: '',
    health: health === 'healthy' || health === 'unhealthy' ? health : health ? 'starting' : 'none',
    published: publishedOf(info),
    pid: 0,
    image: info.Image,
  }
}

function publishedOf(info: ContainerInfo): Record<string, Endpoint> {
  const published: Record<string, Endpoint> = {}
  for (const port of info.Ports ?? [])
    if (port.Type === 'tcp' && port.PublicPort)
      published[port.PrivatePort] ??= { host: port.IP ?? '0.0.0.0', port: port.PublicPort }
  return published
}

/** A container of somebody else's, as a list has it. */
export function fromForeign(info: ContainerInfo): ForeignContainer {
  const networks = Object.values(info.NetworkSettings?.Networks ?? {})
  return {
    id: info.Id,
    image: info.Image,
    labels: info.Labels ?? {},
    published: publishedOf(info),
    addresses: networks.map(({ IPAddress }) => IPAddress).filter((address) => Boolean(address)),
  }
}

/** A container as an inspection has it, with everything. */
export function fromInspection(info: ContainerInspectInfo): Container {
  const published: Record<string, Endpoint> = {}
  for (const [spec, bindings] of Object.entries(info.NetworkSettings?.Ports ?? {})) {
    const [port = '', protocol] = spec.split('/')
    const binding = bindings?.[0]
    if (protocol === 'tcp' && binding?.HostPort)
      published[port] = { host: binding.HostIp || '0.0.0.0', port: Number(binding.HostPort) }
  }
  const health = info.State.Health?.Status
  return {
    id: info.Id,
    name: bare(info.Name),
    labels: info.Config.Labels ?? {},
    state: readState(info.State.Status),
    exitCode: info.State.ExitCode,
    error: info.State.Error,
    health:
      health === 'healthy' || health === 'unhealthy' || health === 'starting' ? health : 'none',
    published,
    pid: info.State.Pid,
    image: info.Config.Image,
  }
}

/**
 * The command of a HEALTHCHECK, to run inside the container, or null if there is none.
 * @param test `Config.Healthcheck.Test`: `["NONE"]`, `["CMD", argv...]` or `["CMD-SHELL", line]`
 * @param shell `Config.Shell` of the image, where it names one
 */
export function healthcheckCommand(
  test: readonly string[] | null | undefined,
  shell: readonly string[] | null | undefined,
): string[] | null {
  const [kind, ...rest] = test ?? []
  if (kind === 'CMD' && rest.length > 0) return rest
  if (kind === 'CMD-SHELL' && rest[0] !== undefined)
    return [...(shell?.length ? shell : ['/bin/sh', '-c']), rest[0]]
  return null
}
