import { Engine } from './docker.ts'
import { type EngineAccess, openClient } from './docker-client.ts'
import { guard } from './docker-guard.ts'
import type { Pace } from './docker-line.ts'
import { OwnEngine } from './docker-own.ts'

type Access = EngineAccess & { pace?: Pace }

/**
 * Opens the engine at `unix:///path`, `tcp://ip:port` or `ssh://[user@]ip[:port]`; nothing is sent yet. With a pace it
 * is pinged from its first call until it is closed; without one each call has its deadline alone.
 * @throws Error if `url` is none of these
 */
export function openEngine(url: string, access: Access = {}): Engine {
  return open(Engine, url, access)
}

/** {@link openEngine} for launchers, which start, stop and remove what they find. */
export function openOwn(url: string, access: Access = {}): Engine {
  return open(OwnEngine, url, access)
}

function open(Kind: typeof Engine, url: string, access: Access): Engine {
  const { docker, close } = openClient(url, access)
  const line = access.pace && guard(docker, access.pace)
  return new Kind(docker, () => {
    line?.close()
    close()
  })
}
