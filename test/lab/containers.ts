import type Docker from 'dockerode'
import type { ContainerInfo } from 'dockerode'

/** A container of an app, and how its processes see themselves. */
export type AppContainer = ContainerInfo & {
  /** id whose beginning is its host name: its sandbox's, if it has one */
  hostId: string
}

const isSandbox = ({ Labels }: ContainerInfo): boolean => Labels['reveille.sandbox'] !== undefined

/** Id of the container whose network one has, undefined if it has its own. */
export function ownerOf({ NetworkMode }: { NetworkMode?: string | undefined }): string | undefined {
  return /^container:(.+)$/.exec(NetworkMode ?? '')?.[1]
}

/**
 * The containers of apps that an engine has, asked of the engine itself: each with its sandbox is one, at the port of that. A
 * sandbox whose container is not there is one by itself: it is left over.
 * @param options.app only those of this app
 * @param options.all those that do not run, too
 */
export async function appContainers(
  docker: Docker,
  { app, all = false }: { app?: string; all?: boolean } = {},
): Promise<AppContainer[]> {
  const label = app === undefined ? 'reveille.app' : `reveille.app=${app}`
  const found = await docker.listContainers({ all: true, filters: { label: [label] } })
  const sandboxes = new Map(found.filter(isSandbox).map((info) => [info.Id, info]))
  const apps = found.filter((info) => !isSandbox(info))
  const whole = apps.map((info): AppContainer => {
    const id = ownerOf(info.HostConfig) ?? ''
    const sandbox = sandboxes.get(id)
    sandboxes.delete(id)
    return { ...info, Ports: (sandbox ?? info).Ports, hostId: (sandbox ?? info).Id }
  })
  const lone = [...sandboxes.values()].map((info) => ({ ...info, hostId: info.Id }))
  return [...whole, ...lone].filter(({ State }) => all || State === 'running' || State === 'paused')
}

/** Names of the networks that an app's container is in, by its sandbox where it has one. */
export async function networksOf(docker: Docker, container: string): Promise<string[]> {
  const found = await docker.getContainer(container).inspect()
  const sandbox = ownerOf(found.HostConfig)
  const owner = sandbox === undefined ? found : await docker.getContainer(sandbox).inspect()
  return Object.keys(owner.NetworkSettings.Networks)
}
