import { isIPv4 } from 'node:net'
import type Docker from 'dockerode'
import { getPath, makeCall } from './docker-call.ts'
import { EngineError } from './docker-error.ts'
import { readTime } from './docker-event.ts'

/** What an engine says about itself. */
export interface EngineInfo {
  cpus: number
  /** bytes */
  memory: number
  /** IP address of the default bridge, '' if it has none */
  bridge: string
  /** network of the containers on it, '' where it has none */
  subnet: string
  /** folder of its data on its machine, '' if it does not say */
  root: string
  /** references of the images it has, the newest first */
  images: string[]
  /** engine clock, nanoseconds since 1970 */
  time: bigint
}

interface System {
  NCPU: number
  MemTotal: number
  SystemTime: string
  DockerRootDir?: string
}

function readSystem(docker: Docker): Promise<System> {
  return makeCall((abortSignal) => getPath<System>(docker, '/info', abortSignal))
}

const NO_BRIDGE = { address: '', subnet: '' }

/** '' where the engine has no default bridge, or not the usual one (`--bridge=none`, Podman). */
async function readBridge(docker: Docker): Promise<{ address: string; subnet: string }> {
  try {
    const bridge = await makeCall((abortSignal) =>
      getPath<Docker.NetworkInspectInfo>(docker, '/networks/bridge', abortSignal),
    )
    for (const { Gateway, Subnet } of bridge.IPAM?.Config ?? []) {
      // an engine that has just made the bridge names only the subnet, of which it takes the first address
      const address = Gateway || Subnet?.replace(/\.0\/\d+$/, '.1')
      if (address && isIPv4(address)) return { address, subnet: Subnet ?? '' }
    }
    return NO_BRIDGE
  } catch (error) {
    if (error instanceof EngineError && error.code === 'not-found') return NO_BRIDGE
    throw error
  }
}

export async function readInfo(docker: Docker): Promise<EngineInfo> {
  const [system, bridge, images] = await Promise.all([
    readSystem(docker),
    readBridge(docker),
    makeCall((abortSignal) => docker.listImages({ abortSignal })),
  ])
  return {
    cpus: system.NCPU,
    memory: system.MemTotal,
    bridge: bridge.address,
    subnet: bridge.subnet,
    root: system.DockerRootDir ?? '',
    images: images.flatMap((image) => image.RepoTags ?? []).filter((tag) => !tag.startsWith('<')),
    time: readTime(system.SystemTime),
  }
}

export async function readEngineTime(docker: Docker): Promise<bigint> {
  return readTime((await readSystem(docker)).SystemTime)
}
