import type { ContainerInfo, ContainerInspectInfo } from 'dockerode'
import { type Container, isUp, type LoneSandbox } from '../model/container.ts'
import { APP_LABEL } from '../model/label.ts'
import { NETWORK_LABEL } from '../model/network.ts'
import { bare, fromInspection, fromSummary } from './docker-container.ts'
import { readTime } from './docker-event.ts'
import { listedImage, looksLikeSandbox } from './sandbox-image.ts'

/** Id of the sandbox whose network a container has; null if it has none. */
export function sandboxOf(
  labels: Readonly<Record<string, string>> | null | undefined,
  networkMode: string | undefined,
): string | null {
  if (labels?.[NETWORK_LABEL] !== 'sandbox') return null
  return /^container:([0-9a-f]{64})$/.exec(networkMode ?? '')?.[1] ?? null
}

function isSandboxInfo(info: ContainerInfo): boolean {
  const image = listedImage(info)
  return looksLikeSandbox({ name: bare(info.Names[0]), labels: info.Labels, image })
}

const sandboxOfInfo = (info: ContainerInfo): string | null =>
  sandboxOf(info.Labels, info.HostConfig?.NetworkMode)

/** The containers of a list, each one with its sandbox's port: a sandbox is no container of its own for anybody. */
export function fromList(infos: readonly ContainerInfo[]): Container[] {
  const sandboxes = new Map(infos.filter(isSandboxInfo).map((info) => [info.Id, info]))
  return infos
    .filter((info) => !isSandboxInfo(info))
    .map((info) => {
      const id = sandboxOfInfo(info)
      const container = onHost(fromSummary(info), info.HostConfig?.NetworkMode)
      if (id === null) return container
      const sandbox = sandboxes.get(id)
      return join(container, sandbox ? fromSummary(sandbox) : null)
    })
}

/** The sandboxes of a list whose container is not in it. */
export function loneSandboxes(infos: readonly ContainerInfo[]): LoneSandbox[] {
  const taken = new Set(infos.map(sandboxOfInfo))
  return infos
    .filter((info) => isSandboxInfo(info) && !taken.has(info.Id))
    .map(({ Id, Labels }) => ({
      id: Id,
      app: Labels[APP_LABEL] ?? '',
      slot: Number(Labels['reveille.slot'] ?? 0),
    }))
}

/**
 * A container by its inspection and its sandbox's.
 * @param sandbox null if it has none, or that is gone
 */
export function fromPair(
  found: ContainerInspectInfo,
  sandbox: ContainerInspectInfo | null,
): Container {
  const { Labels } = found.Config
  const { NetworkMode } = found.HostConfig ?? {}
  const container = onHost(fromInspection(found), NetworkMode)
  if (sandboxOf(Labels, NetworkMode) === null) return container
  // Of one that was started anew it has not the network: that began with the new process.
  const isSame = sandbox !== null && (!isUp(container) || startOf(sandbox) <= startOf(found))
  return join(container, isSame ? fromInspection(sandbox) : null)
}

const startOf = (info: ContainerInspectInfo): bigint => readTime(info.State.StartedAt)

function join(container: Container, sandbox: Container | null): Container {
  if (sandbox?.state === 'running') {
    const published = isUp(container) ? sandbox.published : {}
    return { ...container, published, hasSandbox: true }
  }
  return isUp(container) ? { ...container, published: {}, isCut: true } : container
}

/** One in the network of its host is reached at the very port it listens on, at any address. */
function onHost(container: Container, networkMode: string | undefined): Container {
  if (networkMode !== 'host' || container.labels[NETWORK_LABEL] !== 'host') return container
  const port = Number(container.labels['reveille.port'] ?? 8000)
  if (!isUp(container)) return container
  return { ...container, published: { [port]: { host: '0.0.0.0', port } } }
}
