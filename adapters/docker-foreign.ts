import type { ContainerInspectInfo, ImageInspectInfo } from 'dockerode'
import { APP_LABEL } from '../model/label.ts'
import { makeCall } from './docker-call.ts'
import { type EngineAccess, openClient } from './docker-client.ts'
import { inspectContainer, inspectImage } from './docker-inspect.ts'

/** A running container that is not ours, in full: what it was told beyond what its image says. */
export interface DescribedContainer {
  name: string
  image: string
  labels: Record<string, string>
  /** KEY=value */
  env: string[]
  /** null where it is the image's own */
  command: string[] | null
  entrypoint: string[] | null
  user: string
  workingDir: string
  /** `["CMD", ...]`; null where it is the image's own */
  healthcheck: string[] | null
  /** container ports with protocol, `80/tcp`, also those the image alone names */
  exposed: string[]
  /** those published, with the port of the host */
  published: { port: string; hostIp: string; hostPort: string }[]
  mounts: { type: string; source: string; target: string; readOnly: boolean }[]
  /** networks where containers find each other by name */
  networks: string[]
  /** bytes, CPUs, processes; 0 for no limit */
  memory: number
  cpus: number
  pids: number
  privileged: boolean
  capabilities: string[]
  devices: string[]
  /** namespaces shared with the host or another container, as the engine has them */
  namespaces: Record<string, string>
}

/** More containers than somebody wants to import at once. */
const MOST = 200

/**
 * Describes the running containers of an engine that Reveille did not start, by name; changes nothing.
 * @throws EngineError if the engine does not answer; Error if there are more than 200
 */
export async function listForeign(
  url: string,
  access: EngineAccess,
): Promise<DescribedContainer[]> {
  const { docker, close } = openClient(url, access)
  try {
    const all = await makeCall((abortSignal) => docker.listContainers({ abortSignal }))
    const foreign = all.filter(({ Labels }) => Labels?.[APP_LABEL] === undefined)
    if (foreign.length > MOST) throw new Error(`more than ${MOST} containers run there`)
    const found: DescribedContainer[] = []
    for (const { Id } of foreign) {
      const container = await inspectContainer(docker, Id)
      if (container) found.push(describe(container, await inspectImage(docker, container.Image)))
    }
    return found.sort((a, b) => (a.name < b.name ? -1 : 1))
  } finally {
    close()
  }
}

type Config = ContainerInspectInfo['Config'] & { Healthcheck?: { Test?: string[] } | null }

function describe(found: ContainerInspectInfo, image: ImageInspectInfo | null): DescribedContainer {
  const config = found.Config as Config
  const own = (image?.Config ?? {}) as Partial<Config>
  const host = found.HostConfig
  const differs = <T>(value: T, other: T): boolean =>
    JSON.stringify(value) !== JSON.stringify(other)
  const list = (value: string | string[] | null | undefined): string[] => [value ?? []].flat()
  const unlike = (value: unknown, other: unknown): string[] | null => {
    const words = list(value as string[] | null)
    return words.length > 0 && differs(words, list(other as string[] | null)) ? words : null
  }
  return {
    name: found.Name.replace(/^\//, ''),
    image: config.Image,
    labels: Object.fromEntries(
      Object.entries(config.Labels ?? {}).filter(([key, value]) => own.Labels?.[key] !== value),
    ),
    env: list(config.Env).filter((pair) => !list(own.Env).includes(pair)),
    command: unlike(config.Cmd, own.Cmd),
    entrypoint: unlike(config.Entrypoint, own.Entrypoint),
    user: config.User === (own.User ?? '') ? '' : config.User,
    workingDir: config.WorkingDir === (own.WorkingDir ?? '') ? '' : config.WorkingDir,
    healthcheck: unlike(config.Healthcheck?.Test, own.Healthcheck?.Test),
    exposed: Object.keys(config.ExposedPorts ?? {}),
    published: Object.entries(host.PortBindings ?? {}).map(([port, bindings]) => {
      const [first] = (bindings as { HostIp?: string; HostPort?: string }[] | null) ?? []
      return { port, hostIp: first?.HostIp ?? '', hostPort: first?.HostPort ?? '' }
    }),
    // The engine has them in another order each time.
    mounts: found.Mounts.map(({ Type, Name, Source, Destination, RW }) => ({
      ...{ type: Type ?? 'bind', source: Name ?? Source, target: Destination, readOnly: !RW },
    })).sort((a, b) => (a.target < b.target ? -1 : 1)),
    networks: Object.keys(found.NetworkSettings.Networks ?? {}),
    memory: host.Memory ?? 0,
    cpus: (host.NanoCpus ?? 0) / 1e9,
    pids: Math.max(0, host.PidsLimit ?? 0),
    privileged: host.Privileged === true,
    capabilities: list(host.CapAdd),
    devices: (host.Devices ?? []).map(({ PathOnHost }: { PathOnHost: string }) => PathOnHost),
    namespaces: {
      network_mode: /^(?:host|none|container:.*)$/.test(host.NetworkMode ?? '')
        ? String(host.NetworkMode)
        : '',
      pid: host.PidMode ?? '',
      ipc: /^(?:host|container:.*)$/.test(host.IpcMode ?? '') ? String(host.IpcMode) : '',
      userns_mode: host.UsernsMode ?? '',
    },
  }
}
